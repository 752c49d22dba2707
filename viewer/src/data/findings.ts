/** Values derived from the arrays of an atlas. */

import type { Atlas } from "./atlas";
import type { Condition, Layer } from "./format";
import type { Frame } from "./frame";
import { coordinates, logPosterior, posterior } from "./posterior";

/** Points per image: value and 95 % interval. */
export interface Count {
  value: number;
  low: number;
  high: number;
}

export interface Counts {
  total: Count;
  reliable: Count;
  ratio: Count;
}

/** The counts in row `index` of an array (steps, 3, 3) or (steps * classes, 3, 3). */
export function countsAt(values: Float32Array, index: number): Counts {
  const count = (row: number): Count => {
    const [value, low, high] = values.subarray(9 * index + 3 * row, 9 * index + 3 * row + 3);
    return { value, low, high };
  };
  return { total: count(0), reliable: count(1), ratio: count(2) };
}

/** The counts of a layer at each step. */
export interface LayerCounts {
  layer: Layer;
  rows: ({ step: number } & Counts)[];
}

/** The counts of each layer of a condition; a layer whose counts cannot be read is omitted. */
export async function readLayerCounts(atlas: Atlas, key: string): Promise<LayerCounts[]> {
  const condition = atlas.condition(key);
  const read = condition.layers.map(async (layer): Promise<LayerCounts> => {
    const values = await atlas.read<Float32Array>(`layers/${layer}/${key}/counts`);
    return {
      layer: atlas.layer(layer),
      rows: condition.steps.map((_, step) => ({ step, ...countsAt(values, step) })),
    };
  });
  const settled = await Promise.allSettled(read);
  return settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

/** When the classes emerge in a layer. */
export interface Emergence {
  training: Condition;
  /** Classes from the first to emerge to the last. */
  order: number[];
  /** Per class, the step by which half of its images have a reliable point; NaN for never. */
  first: ArrayLike<number>;
  /** Reliable points per image of a class at a step. */
  reliable: (label: number, step: number) => number;
}

export async function readEmergence(atlas: Atlas, layer: string): Promise<Emergence | null> {
  const [training] = atlas.attributes.conditions;
  const path = `layers/${layer}/${training.key}`;
  const [first, counts] = await Promise.all([
    atlas.read<Float32Array>(`${path}/class_first`),
    atlas.read<Float32Array>(`${path}/class_counts`),
  ]).catch(() => [null, null]);
  if (!first || !counts) return null;
  const classes = atlas.attributes.classes.length;
  const reliable = (label: number, step: number) =>
    countsAt(counts, step * classes + label).reliable.value || 0;
  return { training, order: sortByEmergence(first, reliable), first, reliable };
}

/** Class probabilities of a region. */
export function regionPosterior(atlas: Atlas, frame: Frame, id: number): number[] {
  const { all, dimensions, scale } = frame.region;
  return posterior(coordinates(all, dimensions, scale, id), frame.directions, atlas.concentration);
}

export function regionStrength({ region: { all, dimensions, scale } }: Frame, id: number): number {
  return Math.hypot(...coordinates(all, dimensions, scale, id));
}

/** Classes from the most to the least probable. */
export function sortClasses(probabilities: number[]): number[] {
  return probabilities
    .map((_, label) => label)
    .sort((one, other) => probabilities[other] - probabilities[one]);
}

/** The region of an image with the highest log probability of a class; logs do not saturate. */
export function topRegion(atlas: Atlas, frame: Frame, image: number, label: number): number {
  const { all, dimensions, scale } = frame.region;
  let best = 0;
  let most = -Infinity;
  for (let region = 0; region < frame.regions; region++) {
    const point = coordinates(all, dimensions, scale, image * frame.regions + region);
    const value = logPosterior(point, frame.directions, atlas.concentration)[label];
    if (value > most) [best, most] = [region, value];
  }
  return best;
}

/** Count the knowledge points of an image, in all and per predicted class, most frequent first. */
export function countPoints(
  frame: Frame,
  image: number,
): { total: number; reliable: number; classes: [number, number][] } {
  const classes = new Map<number, number>();
  let [total, reliable] = [0, 0];
  for (let id = image * frame.regions; id < (image + 1) * frame.regions; id++) {
    if ((frame.knowledge[id] & 1) === 0) continue;
    total++;
    reliable += frame.knowledge[id] >> 1;
    classes.set(frame.category[id], (classes.get(frame.category[id]) ?? 0) + 1);
  }
  return { total, reliable, classes: [...classes].sort(([, one], [, other]) => other - one) };
}

/** Classes from the first to emerge to the last; at equal steps, by their points at that step. */
export function sortByEmergence(
  first: ArrayLike<number>,
  pointsAt: (label: number, step: number) => number,
): number[] {
  const step = (label: number) => (Number.isNaN(first[label]) ? Infinity : first[label]);
  const points = (label: number) => (step(label) < Infinity ? pointsAt(label, Math.ceil(step(label))) : 0);
  const labels = Array.from(first, (_, label) => label);
  return labels.sort((a, b) => (step(a) === step(b) ? points(b) - points(a) || a - b : step(a) - step(b)));
}
