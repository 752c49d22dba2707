/** Points as pixels, without a GPU: the arithmetic of the shaders of `point_set`, which a test compares. */

import { inkOn, isInk, type Rgb } from "../state/colours";
import type { PaneView } from "./cloud";
import { STATE } from "./paint";

/** Pixels with their depths, row by row from the top; a pixel is a, b, g, r from its high byte down. */
export interface Raster {
  width: number;
  height: number;
  pixels: Uint32Array;
  depths: Float32Array;
}

/** The points of a pane. */
export interface RasterPoints {
  from: Float32Array;
  to: Float32Array;
  look: Uint8Array;
}

const OPAQUE = 0xff000000;
/** Behind all points. */
const FARTHEST = 1;
/** Where the rim of a point begins, how fast it takes the colour of the background, and most of that. */
const [RIM, RIM_SLOPE, RIM_MOST] = [0.52, 1.95, 0.75];

export function makeRaster(width: number, height: number, pixels: Uint32Array): Raster {
  return { width, height, pixels, depths: new Float32Array(width * height) };
}

export function clearRaster({ pixels, depths }: Raster, paper: Rgb): void {
  pixels.fill(packed(...paper));
  depths.fill(FARTHEST);
}

/** Draw the points of a pane, `ratio` pixels per pixel of CSS. Costs 0.2 microseconds a point at 2 pixels. */
export function drawPoints(
  raster: Raster,
  { from, to, look }: RasterPoints,
  { box, matrix: m, weights: [before, after], size }: PaneView,
  paper: Rgb,
  ratio: number,
): void {
  const { width, height, pixels, depths } = raster;
  const [left, top] = [ratio * box.left, ratio * box.top];
  const [across, down] = [0.5 * ratio * box.width, 0.5 * ratio * box.height];
  const first = Math.max(0, Math.round(left));
  const last = Math.min(width, Math.round(left + 2 * across)) - 1;
  const bottom = Math.min(height, Math.round(top + 2 * down)) - 1;
  const [red, green, blue] = paper;
  const ink = inkOn(paper);
  for (let at = 0, place = 0; at < look.length; at += 4, place += 3) {
    const byte = look[at + 3];
    const state = (byte >> 3) & 3;
    if (state === 0) continue;
    let [x, y, z] = [to[place], to[place + 1], to[place + 2]];
    if (before !== 0) {
      x = before * from[place] + after * x;
      y = before * from[place + 1] + after * y;
      z = before * from[place + 2] + after * z;
    }
    const w = m[3] * x + m[7] * y + m[11] * z + m[15];
    if (w <= 0) continue;
    const shape = byte & 7;
    const radius = radiusOf(state, shape, (ratio * size) / w);
    const px = left + (1 + (m[0] * x + m[4] * y + m[8] * z + m[12]) / w) * across;
    const py = top + (1 - (m[1] * x + m[5] * y + m[9] * z + m[13]) / w) * down;
    const startX = Math.max(first, Math.ceil(px - radius - 0.5));
    const endX = Math.min(last, Math.floor(px + radius - 0.5));
    const startY = Math.max(0, Math.ceil(py - radius - 0.5));
    const endY = Math.min(bottom, Math.floor(py + radius - 0.5));
    if (startX > endX || startY > endY) continue;
    const depth =
      (m[2] * x + m[6] * y + m[10] * z + m[14]) / w - ((state - 2) * 0.5 + ((byte >> 5) - 3.5) * 0.06);
    if (depth > 1 || depth < -1) continue;
    const mist = Math.min(1, Math.max(0, (w - 1) * 3 + 0.5)) * 0.42 + (state === STATE.faint ? 0.42 : 0);
    const own = isInk(look[at], look[at + 1], look[at + 2]);
    const r = towards(own ? ink[0] : look[at], red, mist);
    const g = towards(own ? ink[1] : look[at + 1], green, mist);
    const b = towards(own ? ink[2] : look[at + 2], blue, mist);
    const scale = 1 / radius;
    for (let row = startY; row <= endY; row++) {
      const v = (row + 0.5 - py) * scale;
      for (let column = startX, pixel = row * width + startX; column <= endX; column++, pixel++) {
        if (depth > depths[pixel]) continue;
        const u = (column + 0.5 - px) * scale;
        const reach = shape === 0 ? u * u + v * v : awayOf(shape, u, v);
        if (reach > 1) continue;
        depths[pixel] = depth;
        const rim = Math.min(RIM_MOST, Math.max(0, (reach - RIM) * RIM_SLOPE));
        pixels[pixel] = packed(towards(r, red, rim), towards(g, green, rim), towards(b, blue, rim));
      }
    }
  }
}

function towards(from: number, to: number, share: number): number {
  return from + share * (to - from);
}

function packed(red: number, green: number, blue: number): number {
  return (OPAQUE | ((blue + 0.5) << 16) | ((green + 0.5) << 8) | (red + 0.5)) >>> 0;
}

/** Faint points are smaller, selected ones and those with corners larger; none is smaller than a pixel. */
function radiusOf(state: number, shape: number, size: number): number {
  const emphasis = state === STATE.faint ? 0.62 : state === STATE.strong ? 1.5 : 1;
  return Math.max(0.5, 0.5 * size * emphasis * (shape > 0 ? 1.25 : 1));
}

/** The squared distance from the middle of a shape, 1 at its edge; u to the right and v down. */
function awayOf(shape: number, u: number, v: number): number {
  const [x, y] = [Math.abs(u), Math.abs(v)];
  const [p, q] = [Math.abs(u + v) * 0.7071, Math.abs(u - v) * 0.7071];
  let far: number;
  if (shape === 1) far = Math.max(x * 1.15 + v * 0.62, -v * 1.25) + 0.12;
  else if (shape === 2) far = Math.max(x, y) * 1.15;
  else if (shape === 3) far = (x + y) * 0.95;
  else if (shape === 4) far = Math.max(x * 1.15 - v * 0.62, v * 1.25) + 0.12;
  else if (shape === 5) far = Math.max(Math.max(x, y), Math.min(x, y) * 2.6);
  else if (shape === 6) far = Math.max(Math.max(p, q), Math.min(p, q) * 2.6);
  else far = Math.hypot(u, v) / (0.62 + 0.38 * Math.cos(5 * Math.atan2(u, -v)));
  return far * far;
}
