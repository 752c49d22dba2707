/** The camera of the radial space, and its matrix from points to the screen. */

import { rowsOf, type Axes } from "../data/linear_view";

/**
 * The view of a space of e dimensions: three axes, and a direction of view along these. Angles in radians; zoom 1
 * shows the whole space; pan in half heights of the screen.
 */
export interface Camera {
  /** The classes that the axes separate; null for the visible ones. */
  classes: number[] | null;
  /** Axes that were dragged away from those; null if they were not. */
  axes: Axes | null;
  azimuth: number;
  elevation: number;
  zoom: number;
  panX: number;
  panY: number;
}

type Turn = Pick<Camera, "azimuth" | "elevation">;

/** 16 numbers in column order: position (x, y, z, 1) to clip space. */
export type Matrix = Float64Array;

export const FRONT: Camera = {
  classes: null,
  axes: null,
  azimuth: 0,
  elevation: 0,
  zoom: 1,
  panX: 0,
  panY: 0,
};
/** Distance of the eye in reaches of the space: far enough that lengths stay comparable. */
const EYE = 6;
const HIGHEST = 1.5;
const ZOOM = [0.3, 40] as const;

/** Rows right, up and towards the eye. At azimuth and elevation 0 they are the axes x, y and z. */
export function viewRows({ azimuth, elevation }: Turn): number[][] {
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

/**
 * The place along the rows right and up that is seen at (x, y), in half widths and half heights from the middle, as far
 * towards the viewer as given.
 */
export function placeOnScreen(
  camera: Camera,
  aspect: number,
  reach: number,
  [x, y]: [number, number],
  towards: number,
): [number, number] {
  const size = ((0.9 * camera.zoom) / reach) * Math.min(1, aspect);
  const w = 1 - towards / (EYE * reach);
  return [((x * aspect - camera.panX) * w) / size, ((y - camera.panY) * w) / size];
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

/** A camera as text for the address: numbers, then the classes or the dragged axes. */
export function cameraText({ classes, axes, azimuth, elevation, zoom, panX, panY }: Camera): string {
  const short = (values: number[], digits: number) => values.map((value) => +value.toFixed(digits)).join("_");
  const numbers = short([azimuth, elevation, zoom, panX, panY], 3);
  return `${numbers}${classes ? `~${classes.join("_")}` : axes ? "~" : ""}${axes ? `~${short(axes.flat(), 4)}` : ""}`;
}

/** The camera of a text; undefined for one that is not valid. */
export function cameraOf(text: string): Camera | undefined {
  const [numbers, classes, axes] = text.split("~").map((part) => (part ? part.split("_").map(Number) : []));
  if (numbers.length !== 5 || ![...numbers, ...(classes ?? []), ...(axes ?? [])].every(Number.isFinite))
    return;
  const [azimuth, elevation, zoom, panX, panY] = numbers;
  const rows = axes?.length && axes.length % 3 === 0 ? rowsOf(axes, axes.length / 3) : null;
  const view = { classes: classes?.length ? classes : null, axes: rows };
  return { ...view, azimuth, elevation, zoom: Math.max(ZOOM[0], zoom), panX, panY };
}

/** Zooms and shifts beyond this show nothing. */
const FARTHEST = 1000;

/** The camera, or the initial one if its classes or axes are invalid. */
export function validCamera(camera: Camera | null, classes: number): Camera | null {
  if (!camera) return null;
  const known = (label: number) => Number.isInteger(label) && label >= 0 && label < classes;
  const own = camera.classes;
  const distinct = !own || (own.length > 1 && own.every(known) && new Set(own).size === own.length);
  const seen = !camera.axes || camera.axes.every((axis) => axis.some((value) => value !== 0));
  const near = [camera.zoom, camera.panX, camera.panY].every((value) => Math.abs(value) <= FARTHEST);
  return distinct && seen && near ? camera : null;
}
