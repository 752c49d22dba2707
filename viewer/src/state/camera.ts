/** The camera of the radial space, and its matrix from points to the screen. */

/** Angles in radians; zoom 1 shows the whole space; pan in half heights of the screen. */
export interface Camera {
  azimuth: number;
  elevation: number;
  zoom: number;
  panX: number;
  panY: number;
}

/** 16 numbers in column order: position (x, y, z, 1) to clip space. */
export type Matrix = Float64Array;

export const FRONT: Camera = { azimuth: 0, elevation: 0, zoom: 1, panX: 0, panY: 0 };
/** Distance of the eye in reaches of the space: far enough that lengths stay comparable. */
const EYE = 6;
const HIGHEST = 1.5;
const ZOOM = [0.3, 40] as const;

/** Rows right, up and towards the eye. At azimuth and elevation 0 they are the axes x, y and z. */
export function viewRows({ azimuth, elevation }: Camera): number[][] {
  const [ca, sa, ce, se] = [Math.cos(azimuth), Math.sin(azimuth), Math.cos(elevation), Math.sin(elevation)];
  return [
    [ca, 0, -sa],
    [-sa * se, ce, -ca * se],
    [sa * ce, se, ca * ce],
  ];
}

/** The matrix with which points at distance `reach` from the origin just fit the screen. */
export function viewMatrix(camera: Camera, aspect: number, reach: number): Matrix {
  const [right, up, towards] = viewRows(camera);
  const size = (0.9 * camera.zoom) / reach;
  const narrow = Math.min(1, aspect);
  const x = (size * narrow) / aspect;
  const y = size * narrow;
  const depth = 1 / (EYE * reach);
  const matrix = new Float64Array(16);
  for (let axis = 0; axis < 3; axis++) {
    const w = -towards[axis] * depth;
    matrix[4 * axis] = x * right[axis] + (camera.panX / aspect) * w;
    matrix[4 * axis + 1] = y * up[axis] + camera.panY * w;
    matrix[4 * axis + 2] = -0.15 * towards[axis] * depth;
    matrix[4 * axis + 3] = w;
  }
  matrix[12] = camera.panX / aspect;
  matrix[13] = camera.panY;
  matrix[15] = 1;
  return matrix;
}

export function turnCamera(camera: Camera, right: number, up: number): Camera {
  const azimuth = Math.atan2(Math.sin(camera.azimuth + right), Math.cos(camera.azimuth + right));
  return { ...camera, azimuth, elevation: Math.min(HIGHEST, Math.max(-HIGHEST, camera.elevation + up)) };
}

/** Zoom by a factor; (x, y), in half heights of the screen, stays where it is. */
export function zoomCamera(camera: Camera, factor: number, x = 0, y = 0): Camera {
  const zoom = Math.min(ZOOM[1], Math.max(ZOOM[0], camera.zoom * factor));
  const ratio = zoom / camera.zoom;
  return { ...camera, zoom, panX: x - (x - camera.panX) * ratio, panY: y - (y - camera.panY) * ratio };
}

export function panCamera(camera: Camera, x: number, y: number): Camera {
  return { ...camera, panX: camera.panX + x, panY: camera.panY + y };
}

const MOST_DIRECTIONS = 60;

/** The camera that spreads the directions most: by mean distance to the nearest neighbour on the screen. */
export function bestCamera(directions: ArrayLike<number>): Camera {
  // The search is quadratic: of very many directions it takes a subset.
  const stride = Math.ceil(directions.length / 3 / MOST_DIRECTIONS);
  const subset = Array.from(directions).filter((_, index) => Math.floor(index / 3) % stride === 0);
  const count = subset.length / 3;
  let best = FRONT;
  let most = -1;
  for (let tilt = -50; tilt <= 50; tilt += 10)
    for (let turn = 0; turn < 36; turn++) {
      const camera = { ...FRONT, azimuth: (turn - 18) * (Math.PI / 18), elevation: (tilt * Math.PI) / 180 };
      const spread = spreadOf(subset, count, viewRows(camera));
      if (spread > most + 1e-9) [most, best] = [spread, camera];
    }
  return best;
}

function spreadOf(directions: ArrayLike<number>, count: number, [right, up]: number[][]): number {
  const flat = Array.from({ length: count }, (_, index) =>
    [right, up].map((row) => row.reduce((sum, part, axis) => sum + part * directions[3 * index + axis], 0)),
  );
  let total = 0;
  for (const [x, y] of flat) {
    let nearest = Infinity;
    for (const other of flat) {
      const distance = Math.hypot(other[0] - x, other[1] - y);
      if (other[0] !== x || other[1] !== y) nearest = Math.min(nearest, distance);
    }
    total += Number.isFinite(nearest) ? nearest : 0;
  }
  return total;
}
