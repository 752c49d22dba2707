/** What can be read off an atlas, as values and as sentences. */

import type { Condition, Layer } from "./format";
import type { Frame } from "./frame";
import { coordinates, logPosterior, posterior } from "./posterior";
import type { Run } from "./run";

/** Points an image: value and interval. */
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

/** The counts of a step out of an array (steps, 3, 3), or of a class out of (steps, classes, 3, 3). */
export function countsAt(values: Float32Array, place: number): Counts {
  const count = (row: number): Count => {
    const [value, low, high] = values.subarray(9 * place + 3 * row, 9 * place + 3 * row + 3);
    return { value, low, high };
  };
  return { total: count(0), reliable: count(1), ratio: count(2) };
}

/** The counts of a layer at each step. */
export interface LayerRows {
  layer: Layer;
  rows: ({ step: number } & Counts)[];
}

/** The counts of each layer of a condition; a layer whose counts cannot be read is left out. */
export async function countsOfLayers(run: Run, key: string): Promise<LayerRows[]> {
  const condition = run.condition(key);
  const read = condition.layers.map(async (layer): Promise<LayerRows> => {
    const values = await run.read<Float32Array>(`layers/${layer}/${key}/counts`);
    return {
      layer: run.layer(layer),
      rows: condition.steps.map((_, step) => ({ step, ...countsAt(values, step) })),
    };
  });
  const settled = await Promise.allSettled(read);
  return settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
}

/** When the classes emerge in a layer. */
export interface Emergence {
  training: Condition;
  /** Classes from the first to emerge to the last. */
  order: number[];
  /** Step by which half of a class's images have a reliable point; NaN for never. */
  first: ArrayLike<number>;
  /** Reliable points an image of a class at a step. */
  reliable: (each: number, step: number) => number;
}

export async function emergenceIn(run: Run, layer: string): Promise<Emergence | null> {
  const [training] = run.attributes.conditions;
  const path = `layers/${layer}/${training.key}`;
  const [first, counts] = await Promise.all([
    run.read<Float32Array>(`${path}/class_first`),
    run.read<Float32Array>(`${path}/class_counts`),
  ]).catch(() => [null, null]);
  if (!first || !counts) return null;
  const classes = run.attributes.classes.length;
  const reliable = (each: number, step: number) =>
    countsAt(counts, step * classes + each).reliable.value || 0;
  return { training, order: emergenceOrder(first, reliable), first, reliable };
}

/** Class probabilities of a region. */
export function regionPosterior(run: Run, frame: Frame, id: number): number[] {
  const { all, dimensions, scale } = frame.region;
  return posterior(coordinates(all, dimensions, scale, id), frame.directions, run.concentration);
}

export function regionStrength({ region: { all, dimensions, scale } }: Frame, id: number): number {
  return Math.hypot(...coordinates(all, dimensions, scale, id));
}

/** Classes from the likeliest to the least likely. */
export function orderOf(probabilities: number[]): number[] {
  return probabilities.map((_, each) => each).sort((one, other) => probabilities[other] - probabilities[one]);
}

/** The region of an image that speaks most for a class: the highest log probability, which does not saturate. */
export function decisiveRegion(run: Run, frame: Frame, image: number, label: number): number {
  const { all, dimensions, scale } = frame.region;
  let best = 0;
  let most = -Infinity;
  for (let region = 0; region < frame.regions; region++) {
    const point = coordinates(all, dimensions, scale, image * frame.regions + region);
    const said = logPosterior(point, frame.directions, run.concentration)[label];
    if (said > most) [best, most] = [region, said];
  }
  return best;
}

export function placeWords(region: number, columns: number): string {
  return `row ${Math.floor(region / columns) + 1}, column ${(region % columns) + 1}`;
}

/** The knowledge points of an image: how many, and how many for each class, most first. */
export function pointsOfImage(
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

export function listed(words: string[]): string {
  return words.length < 2
    ? words.join("")
    : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}

/** Classes from the first to emerge to the last; of those at one step, the one with the most points then comes first. */
export function emergenceOrder(
  first: ArrayLike<number>,
  pointsAt: (place: number, step: number) => number,
): number[] {
  const step = (place: number) => (Number.isNaN(first[place]) ? Infinity : first[place]);
  const points = (place: number) => (step(place) < Infinity ? pointsAt(place, Math.ceil(step(place))) : 0);
  const all = Array.from(first, (_, place) => place);
  return all.sort((a, b) => (step(a) === step(b) ? points(b) - points(a) || a - b : step(a) - step(b)));
}

export function number(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 1 : 2;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A probability; 1 and 0 only where they are. */
export function probability(value: number): string {
  return value >= 0.995 && value < 1 ? "> 0.99" : value < 0.005 && value > 0 ? "< 0.01" : value.toFixed(2);
}

/** The probability that is stored as 255 times itself, rounded; neither end of those is quite 0 or 1. */
export function storedProbability(value: number): number {
  return Math.min(254.75, Math.max(0.25, value)) / 255;
}

export function probabilityWords(value: number): string {
  const written = probability(value);
  return /^[<>]/.test(written) ? `p\u00a0${written}`.replace(/ /g, "\u00a0") : `p\u00a0=\u00a0${written}`;
}
