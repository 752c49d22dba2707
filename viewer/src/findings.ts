/** What can be read off an atlas, as values and as sentences. */

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

/** Class probabilities of a region. */
export function regionPosterior(run: Run, frame: Frame, id: number): number[] {
  const { all, dimensions, scale } = frame.region;
  return posterior(coordinates(all, dimensions, scale, id), frame.directions, run.concentration);
}

export function regionStrength({ region: { all, dimensions, scale } }: Frame, id: number): number {
  return Math.hypot(...coordinates(all, dimensions, scale, id));
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

export function layerSentence(names: string[], counts: Counts[], moment: string): string {
  const best = counts.reduce(
    (most, each, place) => (each.reliable.value > counts[most].reliable.value ? place : most),
    0,
  );
  const { value, low, high } = counts[best].reliable;
  if (!(value > 0)) return `At ${moment}, no layer has a reliable knowledge point.`;
  const range = `an image (95 % interval ${number(low)} to ${number(high)})`;
  if (names.length === 1)
    return `At ${moment}, ${names[0]} has ${number(value)} reliable knowledge points ${range}.`;
  return `At ${moment}, ${names[best]} has the most reliable points: ${number(value)} ${range}.`;
}

/** Which class emerges first, given the order of emergence. */
export function classSentence(
  layer: string,
  names: string[],
  order: number[],
  first: ArrayLike<number>,
  labels: string[],
): string {
  const [best, ...others] = order;
  if (Number.isNaN(first[best]))
    return `In ${layer}, no class emerges: half of its images never have a reliable point.`;
  const step = labels[Math.ceil(first[best])];
  const equal = others.filter((each) => first[each] === first[best]).map((each) => names[each]);
  const shown = equal.length > 3 ? [...equal.slice(0, 2), `${equal.length - 2} more`] : equal;
  const also = equal.length ? ` At the same step, with fewer points: ${listed(shown)}.` : "";
  return `In ${layer}, ${names[best]} emerges first: half of its images have a reliable point from ${step} on.${also}`;
}

export function number(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return value.toLocaleString("en", {
    maximumFractionDigits: Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 1 : 2,
  });
}

/** A probability; 1 and 0 only where they are. */
export function probability(value: number): string {
  return value >= 0.995 && value < 1 ? "> 0.99" : value < 0.005 && value > 0 ? "< 0.01" : value.toFixed(2);
}

export function probabilityWords(value: number): string {
  const written = probability(value);
  return /^[<>]/.test(written) ? `p\u00a0${written}`.replace(/ /g, "\u00a0") : `p\u00a0=\u00a0${written}`;
}
