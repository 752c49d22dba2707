/** Values derived from the arrays of an atlas. */

import type { Atlas } from "./atlas";
import type { Condition, Layer } from "./format";
import type { Frame } from "./frame";

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
  return countsFrom(values, 3 * index);
}

function countsFrom(values: Float32Array, row: number): Counts {
  return { total: countAt(values, row), reliable: countAt(values, row + 1), ratio: countAt(values, row + 2) };
}

/** The interval in a row of three numbers. */
function countAt(values: Float32Array, row: number): Count {
  const [value, low, high] = values.subarray(3 * row, 3 * row + 3);
  return { value, low, high };
}

/** Bits per region: the evidence of a layer, and what a linear probe reads from it. */
export interface Evidence {
  evidence: Count;
  readable: Count;
}

/** The chance levels, at the last step. */
export interface Chance {
  permuted: Counts & { evidence: Count };
  untrained: Counts & { evidence: Count };
}

/** The counts of a layer at each step; evidence and chance if they were measured. */
export interface LayerCounts {
  layer: Layer;
  rows: ({ step: number; told: Evidence | null } & Counts)[];
  chance: Chance | null;
}

/** The counts of each layer of a condition; a layer whose counts cannot be read is omitted. */
export async function readLayerCounts(atlas: Atlas, key: string): Promise<LayerCounts[]> {
  const condition = atlas.condition(key);
  const read = condition.layers.map(async (layer): Promise<LayerCounts> => {
    const optional = (name: string) =>
      atlas.has(`layers/${layer}/${key}/${name}`)
        ? atlas.read<Float32Array>(`layers/${layer}/${key}/${name}`)
        : null;
    const [values, evidence, chance] = await Promise.all([
      atlas.read<Float32Array>(`layers/${layer}/${key}/counts`),
      optional("evidence"),
      optional("chance"),
    ]);
    return {
      layer: atlas.layer(layer),
      rows: condition.steps.map((_, step) => ({
        step,
        told: evidence && {
          evidence: countAt(evidence, 2 * step),
          readable: countAt(evidence, 2 * step + 1),
        },
        ...countsAt(values, step),
      })),
      // Rows of evidence, total, reliable and ratio, first for permuted targets, then for the untrained network.
      chance: chance && {
        permuted: { evidence: countAt(chance, 0), ...countsFrom(chance, 1) },
        untrained: { evidence: countAt(chance, 4), ...countsFrom(chance, 5) },
      },
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

/** Classes from the most to the least probable. */
export function sortClasses(probabilities: number[]): number[] {
  return probabilities
    .map((_, label) => label)
    .sort((one, other) => probabilities[other] - probabilities[one]);
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
