/** Intervals over images, computed in the page. */

import type { Count } from "./findings";

/**
 * The ratio of sums over images with a 95 % interval of the linearised ratio: the regions of one image are not
 * independent, so that images are what varies.
 */
export function ratioOf(parts: [of: number, all: number][]): Count {
  const sum = (place: 0 | 1) => parts.reduce((total, part) => total + part[place], 0);
  const all = sum(1);
  if (!all) return { value: Number.NaN, low: Number.NaN, high: Number.NaN };
  const value = sum(0) / all;
  const n = parts.length;
  const square = parts.reduce((total, [of, own]) => total + (of - value * own) ** 2, 0);
  const half = n > 1 ? (1.96 * Math.sqrt((square * n) / (n - 1))) / all : Number.NaN;
  return { value, low: value - half, high: value + half };
}
