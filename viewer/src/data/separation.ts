/** How well a line separates two classes: in all dimensions, and on the screen. */

import { dot, type Axes } from "./linear_view";

/** Two classes that overlap on the screen and are apart in space. */
export interface HiddenPair {
  classes: [number, number];
  /** Balanced accuracy of a linear separator: in all dimensions, and on the screen (0.5 is chance). */
  space: number;
  screen: number;
}

/** Apart in space, and overlapping on the screen. */
export const APART = 0.95;
export const TOGETHER = 0.6;

/** The largest number of points read, and the fewest of a class that are sufficient. */
const MOST_POINTS = 12000;
const FEWEST = 24;

/** The points of each class, in all dimensions. */
export type ClassPoints = Float64Array[];

/** Points by class: those that count, or a regular subset of them. */
export function pointsByClass(
  values: ArrayLike<number>,
  dimensions: number,
  scale: number,
  classes: number,
  classOf: (id: number) => number,
): ClassPoints {
  const ids: number[][] = Array.from({ length: classes }, () => []);
  const count = values.length / dimensions;
  let counted = 0;
  for (let id = 0; id < count; id++) {
    const label = classOf(id);
    if (label < 0) continue;
    ids[label].push(id);
    counted++;
  }
  const stride = Math.ceil(counted / MOST_POINTS);
  return ids.map((own) => {
    const kept = own.filter((_, index) => index % stride === 0);
    const points = new Float64Array(dimensions * kept.length);
    kept.forEach((id, row) => {
      for (let k = 0; k < dimensions; k++) points[dimensions * row + k] = scale * values[dimensions * id + k];
    });
    return points;
  });
}

interface Spread {
  mean: number[];
  covariance: number[][];
}

/** Separators of all pairs of the classes, once for all views. */
export interface Separation {
  /** Pairs that are apart in space. */
  apart: HiddenPair[];
  /** The pairs with their accuracy on the screen of these axes (the first two). */
  seenAlong(axes: Axes): HiddenPair[];
  /** Axes rotated until no pair that is apart overlaps on the screen, as far as possible. */
  refine(axes: Axes): Axes;
}

export function separate(points: ClassPoints, dimensions: number, shown: number[]): Separation {
  const labels = shown.filter((label) => points[label].length >= FEWEST * dimensions);
  const spreads = new Map(labels.map((label) => [label, spreadOf(points[label], dimensions)]));
  const spread = (label: number) => spreads.get(label) as Spread;
  const apart: HiddenPair[] = [];
  for (const [place, one] of labels.entries())
    for (const other of labels.slice(place + 1)) {
      const line = discriminant(spread(one), spread(other));
      const space = accuracy(line, points[one], points[other]);
      if (space > APART) apart.push({ classes: [one, other], space, screen: space });
    }
  const seenAlong = ([right, up]: Axes) =>
    apart.map((pair) => {
      const [one, other] = pair.classes;
      const [a, b] = discriminant(
        ...([one, other].map((label) => seen(spread(label), [right, up])) as [Spread, Spread]),
      ).weights;
      const weights = right.map((part, k) => a * part + b * up[k]);
      const threshold = middle(weights, spread(one), spread(other));
      return { ...pair, screen: accuracy({ weights, threshold }, points[one], points[other]) };
    });
  const worst = (axes: Axes) =>
    seenAlong(axes).reduce<HiddenPair | null>(
      (low, pair) => (low && low.screen <= pair.screen ? low : pair),
      null,
    );
  const refine = (axes: Axes): Axes => {
    let best = axes;
    let lowest = worst(axes);
    for (let step = 0.2; lowest && lowest.screen < TOGETHER && step > 0.01;) {
      const [one, other] = lowest.classes;
      const next = towards(
        best,
        discriminant(spread(one), spread(other)).weights,
        step,
        spread(one),
        spread(other),
      );
      const found = worst(next);
      if (found && found.screen > lowest.screen + 1e-3) [best, lowest] = [next, found];
      else step /= 2;
    }
    return best;
  };
  return { apart, seenAlong, refine };
}

interface Line {
  weights: number[];
  threshold: number;
}

/** Fisher's discriminant of two classes, at the middle of their means. */
function discriminant(one: Spread, other: Spread): Line {
  const difference = one.mean.map((value, k) => value - other.mean[k]);
  const pooled = one.covariance.map((row, j) => row.map((value, k) => value + other.covariance[j][k]));
  const ridge = 1e-6 * pooled.reduce((sum, row, k) => sum + row[k], 0) + 1e-12;
  pooled.forEach((row, k) => (row[k] += ridge));
  const weights = solve(pooled, difference);
  return { weights, threshold: middle(weights, one, other) };
}

function middle(weights: number[], one: Spread, other: Spread): number {
  return (dot(weights, one.mean) + dot(weights, other.mean)) / 2;
}

/** Balanced accuracy. */
function accuracy({ weights, threshold }: Line, one: Float64Array, other: Float64Array): number {
  return (shareAbove(one, weights, threshold) + 1 - shareAbove(other, weights, threshold)) / 2;
}

function shareAbove(points: Float64Array, weights: number[], threshold: number): number {
  const dimensions = weights.length;
  let above = 0;
  for (let from = 0; from < points.length; from += dimensions) {
    let sum = 0;
    for (let k = 0; k < dimensions; k++) sum += weights[k] * points[from + k];
    if (sum > threshold) above++;
  }
  return (above * dimensions) / points.length;
}

function spreadOf(points: Float64Array, dimensions: number): Spread {
  const count = points.length / dimensions;
  const mean = new Array<number>(dimensions).fill(0);
  for (let index = 0; index < points.length; index++) mean[index % dimensions] += points[index] / count;
  const covariance = mean.map(() => new Array<number>(dimensions).fill(0));
  for (let from = 0; from < points.length; from += dimensions)
    for (let j = 0; j < dimensions; j++) {
      const value = (points[from + j] - mean[j]) / count;
      for (let k = 0; k <= j; k++) covariance[j][k] += value * (points[from + k] - mean[k]);
    }
  for (let j = 0; j < dimensions; j++) for (let k = 0; k < j; k++) covariance[k][j] = covariance[j][k];
  return { mean, covariance };
}

/** Mean and covariance along some axes. */
function seen({ mean, covariance }: Spread, axes: Axes): Spread {
  const turned = axes.map((axis) => covariance.map((row) => dot(row, axis)));
  return {
    mean: axes.map((axis) => dot(axis, mean)),
    covariance: turned.map((row) => axes.map((axis) => dot(row, axis))),
  };
}

/** Axes whose screen leans towards a direction, where the difference of the two means lies on it. */
function towards(axes: Axes, direction: number[], step: number, one: Spread, other: Spread): Axes {
  const length = Math.sqrt(dot(direction, direction)) || 1;
  const difference = one.mean.map((value, k) => value - other.mean[k]);
  const [x, y] = [dot(axes[0], difference), dot(axes[1], difference)];
  const norm = Math.hypot(x, y) || 1;
  const share = [x / norm, y / norm || 1e-9];
  const lean = (axis: Axes[number], part: number) =>
    axis.map((value, k) => value + (step * part * direction[k]) / length);
  return gramSchmidt([lean(axes[0], share[0]), lean(axes[1], share[1]), axes[2]]);
}

function gramSchmidt(rows: Axes): Axes {
  const done: Axes = [];
  for (const row of rows) {
    let rest = row;
    for (const axis of done) {
      const along = dot(axis, rest);
      rest = rest.map((value, k) => value - along * axis[k]);
    }
    const length = Math.sqrt(dot(rest, rest));
    done.push(length > 1e-9 ? rest.map((value) => value / length) : row);
  }
  return done;
}

/** Solve a positive definite system by elimination. */
function solve(matrix: number[][], right: number[]): number[] {
  const rows = matrix.map((row, k) => [...row, right[k]]);
  for (let pivot = 0; pivot < rows.length; pivot++)
    for (let row = pivot + 1; row < rows.length; row++) {
      const factor = rows[row][pivot] / rows[pivot][pivot];
      for (let k = pivot; k <= rows.length; k++) rows[row][k] -= factor * rows[pivot][k];
    }
  const values = new Array<number>(right.length).fill(0);
  for (let row = rows.length - 1; row >= 0; row--) {
    const known = values.reduce((sum, value, k) => sum + (k > row ? rows[row][k] * value : 0), 0);
    values[row] = (rows[row][rows.length] - known) / rows[row][row];
  }
  return values;
}
