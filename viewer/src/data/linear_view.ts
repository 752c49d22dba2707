/**
 * The linear view of a space of e dimensions: three axes along which it is shown. The default is that of
 * `patternscope.radial.view` in Python, which documents it in full.
 */

/** Rows right, up and towards the viewer, of e numbers each: orthonormal (the last is zero in a plane). */
export type Axes = number[][];

/** The largest number of classes that a view shows in three dimensions without loss. */
export const EXACT_CLASSES = 4;

const MOST_ARRANGED = 24;
const SOFTENING = 1e-3;
const TINY = 1e-9;

/** Rows of a matrix that is stored row by row. */
export function rowsOf(values: ArrayLike<number>, columns: number): number[][] {
  return Array.from({ length: values.length / columns }, (_, row) =>
    Array.from({ length: columns }, (_, column) => values[columns * row + column]),
  );
}

/** Three coordinates per point, along the axes and times the scale. */
export function project(values: ArrayLike<number>, axes: Axes, scale: number): Float32Array {
  const dimensions = axes[0].length;
  const [right, up, towards] = axes.map((row) => Float64Array.from(row, (part) => part * scale));
  const projected = new Float32Array((3 * values.length) / dimensions);
  for (let from = 0, to = 0; from < values.length; from += dimensions, to += 3) {
    let [x, y, z] = [0, 0, 0];
    for (let axis = 0; axis < dimensions; axis++) {
      const value = values[from + axis];
      x += value * right[axis];
      y += value * up[axis];
      z += value * towards[axis];
    }
    projected[to] = x;
    projected[to + 1] = y;
    projected[to + 2] = z;
  }
  return projected;
}

/** The axes that separate the classes of an order around the screen. */
export function separatingAxes(directions: number[][], order: number[]): Axes {
  const dimensions = directions[0].length;
  if (dimensions === 2)
    return [
      [1, 0],
      [0, 1],
      [0, 0],
    ];
  const own = order.map((label) => directions[label]);
  const plane = own.length > 2 ? polygonPlane(own) : null;
  const axes = orthonormal([...(plane ?? []), ...further(own)], 3);
  if (dimensions === 3) axes[2] = cross(axes[0], axes[1]);
  return axes;
}

/** The order of classes around the screen that separates their arrows best. */
export function arrangement(directions: number[][], classes: number[]): number[] {
  let order = classes.length
    ? [...classes].sort((one, other) => one - other)
    : directions.map((_, label) => label);
  if (order.length <= EXACT_CLASSES || order.length > MOST_ARRANGED || directions[0].length === 2)
    return order;
  const energyOf = (order: number[]) => energy(order.map((label) => directions[label]));
  let least = energyOf(order);
  for (let improved = true; improved;) {
    improved = false;
    for (let one = 1; one < order.length; one++)
      for (let other = one + 1; other < order.length; other++) {
        const swapped = [...order];
        [swapped[one], swapped[other]] = [order[other], order[one]];
        const value = energyOf(swapped);
        if (value < least * (1 - 1e-6)) [order, least, improved] = [swapped, value, true];
      }
  }
  return order;
}

/** Share of the variance between mean directions that axes show. */
export function shownShare(directions: number[][], axes: Axes): number {
  const centre = meanOf(directions);
  const centred = directions.map((row) => minus(row, centre));
  const whole = centred.reduce((sum, row) => sum + dot(row, row), 0);
  const shown = centred.reduce(
    (sum, row) => sum + axes.reduce((all, axis) => all + dot(axis, row) ** 2, 0),
    0,
  );
  return whole ? shown / whole : 1;
}

/** Axes between two others: the nearest orthonormal ones to the straight line, which follow the geodesic. */
export function betweenAxes(from: Axes, to: Axes, share: number): Axes {
  const mixed = from.map((row, axis) => row.map((part, k) => (1 - share) * part + share * to[axis][k]));
  return from[0].length === 2 ? to : nearestAxes(mixed, share < 0.5 ? from : to);
}

/** Axes rotated as little as possible so that a direction appears at a given position, as far as its length allows. */
export function dragDirection(axes: Axes, direction: number[], place: number[]): Axes {
  let next = axes;
  for (let round = 0; round < 6; round++) {
    const seen = next.map((row) => dot(row, direction));
    const square = dot(direction, direction) || 1;
    const moved = next.map((row, axis) =>
      row.map((part, k) => part + ((place[axis] - seen[axis]) / square) * direction[k]),
    );
    next = nearestAxes(moved, next);
  }
  return next;
}

/** Axes seen from where a camera stands: its rows right, up and towards, along these axes. */
export function turnedAxes(axes: Axes, rows: number[][]): Axes {
  return rows.map((row) =>
    axes[0].map((_, k) => row.reduce((sum, part, axis) => sum + part * axes[axis][k], 0)),
  );
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
}

/** The nearest orthonormal rows (Newton's iteration for the polar factor); `otherwise` without any. */
function nearestAxes(rows: Axes, otherwise: Axes): Axes {
  let next = rows;
  for (let round = 0; round < 30; round++) {
    const inverse = inverseOf3(next.map((a) => next.map((b) => dot(a, b))));
    if (!inverse) return otherwise;
    const refined = next.map((row, axis) =>
      row.map(
        (part, k) => 0.5 * (part + inverse[axis].reduce((sum, weight, j) => sum + weight * next[j][k], 0)),
      ),
    );
    const change = Math.max(
      ...refined.flatMap((row, axis) => row.map((part, k) => Math.abs(part - next[axis][k]))),
    );
    next = refined;
    if (change < 1e-12) break;
  }
  return next;
}

function inverseOf3([a, b, c]: number[][]): number[][] | null {
  const columns = [cross(b, c), cross(c, a), cross(a, b)];
  const determinant = dot(a, columns[0]);
  if (Math.abs(determinant) < 1e-12) return null;
  return [0, 1, 2].map((row) => columns.map((column) => column[row] / determinant));
}

/** The two axes that bring directions nearest to the corners of a polygon, the first one up; null for none. */
function polygonPlane(own: number[][]): number[][] | null {
  const centre = meanOf(own);
  const angle = (2 * Math.PI) / own.length;
  const sums = [Math.sin, Math.cos].map((part) =>
    own.reduce(
      (sum, row, corner) => sum.map((value, k) => value + part(corner * angle) * (row[k] - centre[k])),
      own[0].map(() => 0),
    ),
  );
  const plane = polar2(sums);
  if (!plane) return null;
  const [x, y] = plane.map((axis) => dot(axis, own[0]));
  const length = Math.max(TINY, Math.hypot(x, y));
  const turned = (a: number, b: number) => plane[0].map((part, k) => (a * part + b * plane[1][k]) / length);
  return [turned(y, -x), turned(x, y)];
}

/** The nearest orthonormal rows to two: (A A^T)^(-1/2) A. */
function polar2([a, b]: number[][]): number[][] | null {
  const [aa, ab, bb] = [dot(a, a), dot(a, b), dot(b, b)];
  // The square root of a matrix of 2 x 2 by its trace and determinant.
  const root = Math.sqrt(Math.max(0, aa * bb - ab * ab));
  const trace = Math.sqrt(aa + bb + 2 * root);
  if (root <= TINY * trace) return null;
  const [p, q, r] = [(aa + root) / trace, ab / trace, (bb + root) / trace];
  const determinant = p * r - q * q;
  const mix = (x: number, y: number) => a.map((part, k) => (x * part + y * b[k]) / determinant);
  return [mix(r, -q), mix(-q, p)];
}

/** Directions for the remaining axes, in order of preference. */
function further(own: number[][]): number[][] {
  return [
    ...(own.length === 2 ? [minus(own[0], own[1])] : []),
    ...(own.length > 3 ? [alternating(own)] : []),
    meanOf(own),
    ...own,
    ...own[0].map((_, axis) => own[0].map((_, k) => Number(k === axis))),
  ];
}

/** The direction along which directions lie alternately in front of and behind their mean. */
function alternating(directions: number[][]): number[] {
  const centre = meanOf(directions);
  return centre.map((middle, k) =>
    directions.reduce((sum, row, place) => sum + (place % 2 ? -1 : 1) * (row[k] - middle), 0),
  );
}

/** The crowding of the rays of directions on the screen, in this order. */
function energy(own: number[][]): number {
  const plane = polygonPlane(own);
  if (!plane) return Infinity;
  const seen = own.map((row) => plane.map((axis) => dot(axis, row)));
  let sum = 0;
  for (let one = 0; one < seen.length; one++)
    for (let other = one + 1; other < seen.length; other++)
      sum += 1 / (SOFTENING + rayDistance(seen[one], seen[other]) ** 2);
  return sum;
}

/** Distance of the tip of the shorter of two arrows from the ray of the other. */
function rayDistance(a: number[], b: number[]): number {
  const lengths = [Math.hypot(...a), Math.hypot(...b)];
  if (dot(a, b) <= 0) return Math.min(...lengths);
  return Math.abs(a[0] * b[1] - a[1] * b[0]) / Math.max(TINY, ...lengths);
}

/** Orthonormal rows for the first independent ones of some directions. */
function orthonormal(directions: number[][], most: number): number[][] {
  const axes: number[][] = [];
  for (const direction of directions) {
    if (axes.length === most) break;
    let rest = direction;
    // Twice, so that no component along an axis remains by rounding.
    for (const axis of [...axes, ...axes]) {
      const along = dot(axis, rest);
      rest = rest.map((part, k) => part - along * axis[k]);
    }
    const length = Math.sqrt(dot(rest, rest));
    if (length > 1e-6) axes.push(rest.map((part) => part / length));
  }
  return axes;
}

function meanOf(rows: number[][]): number[] {
  return rows[0].map((_, k) => rows.reduce((sum, row) => sum + row[k], 0) / rows.length);
}

function minus(a: number[], b: number[]): number[] {
  return a.map((part, k) => part - b[k]);
}

function cross(a: number[], b: number[]): number[] {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}
