/** The classes predicted by the regions of each class, by the largest calibrated probability. */

import type { Atlas } from "./atlas";
import type { Count } from "./findings";
import type { Layer } from "./format";
import { readTemperatures, type Frame, type FrameKey } from "./frame";
import { ratioOf } from "./intervals";
import { isUninformed } from "./regions";

/** The data from which confusions are counted. */
export type Predictions = Pick<Frame, "category" | "knowledge" | "temperatures" | "regions">;

/** Which regions are counted. */
export const COUNTED = ["regions", "points"] as const;
export type Counted = (typeof COUNTED)[number];

/** Numbers of regions, rows by true class, columns by predicted class. */
export interface Confusions {
  counts: Uint32Array;
  /** Per true class, the regions that are counted; regions of images without evidence predict no class. */
  totals: Uint32Array;
}

export function countConfusions(
  predictions: Predictions,
  labels: Uint16Array,
  classes: number,
  counted: Counted,
): Confusions {
  const { category, regions } = predictions;
  const counts = new Uint32Array(classes * classes);
  const totals = new Uint32Array(classes);
  for (let id = 0; id < category.length; id++) {
    if (!isCounted(predictions, id, counted)) continue;
    const truth = labels[Math.floor(id / regions)];
    totals[truth]++;
    if (!isUninformed(predictions, id)) counts[truth * classes + category[id]]++;
  }
  return { counts, totals };
}

function isCounted({ knowledge }: Predictions, id: number, counted: Counted): boolean {
  return counted === "regions" || (knowledge[id] & 1) === 1;
}

/** A pair of different classes: regions of `truth` that predict `predicted`, as a share of all regions of `truth`. */
export interface Confusion {
  truth: number;
  predicted: number;
  share: number;
}

/** The share of the regions of a class that predict another one, or itself; NaN without regions. */
export function shareAt({ counts, totals }: Confusions, truth: number, predicted: number): number {
  return counts[truth * totals.length + predicted] / totals[truth];
}

/** The largest confusions, largest first. */
export function largestConfusions(confusions: Confusions, most: number): Confusion[] {
  const classes = confusions.totals.length;
  const found: Confusion[] = [];
  confusions.counts.forEach((count, cell) => {
    const [truth, predicted] = [Math.floor(cell / classes), cell % classes];
    if (count && truth !== predicted)
      found.push({ truth, predicted, share: shareAt(confusions, truth, predicted) });
  });
  return found.sort((one, other) => other.share - one.share).slice(0, most);
}

/** A pair of classes at one step, as shares with 95 % intervals over the images. */
export interface PairRow {
  step: number;
  /** Of all regions of the first class, those that predict the second one; NaN if none predicts any class. */
  taken: Count;
  /** Of the regions of the first class that predict one of the two, those that predict the first; and the reverse. */
  own: [Count, Count];
  /** Whether enough regions of each class predict one of the two: one per image on average. */
  enough: boolean;
}

export interface PairLayer {
  layer: Layer;
  rows: PairRow[];
}

export function pairRow(
  predictions: Predictions,
  labels: Uint16Array,
  [one, other]: [number, number],
  counted: Counted,
  step: number,
): PairRow {
  const images = (truth: number) =>
    Array.from(labels.keys()).flatMap((image) =>
      labels[image] === truth ? [countImage(predictions, image, one, other, counted)] : [],
    );
  const [first, second] = [images(one), images(other)];
  const either = (parts: ImageCount[]) => parts.reduce((sum, part) => sum + part.one + part.other, 0);
  return {
    step,
    taken: shareOf(first.some(({ known }) => known) ? first.map(({ other: of, all }) => [of, all]) : []),
    own: [
      shareOf(first.map((part) => [part.one, part.one + part.other])),
      shareOf(second.map((part) => [part.other, part.one + part.other])),
    ],
    enough: [first, second].every((parts) => parts.length > 0 && either(parts) >= parts.length),
  };
}

/** A ratio whose interval stays between 0 and 1. */
function shareOf(parts: [of: number, all: number][]): Count {
  const { value, low, high } = ratioOf(parts);
  return { value, low: Math.max(0, low), high: Math.min(1, high) };
}

interface ImageCount {
  one: number;
  other: number;
  /** Counted regions, and those that predict a class. */
  all: number;
  known: number;
}

function countImage(
  predictions: Predictions,
  image: number,
  one: number,
  other: number,
  counted: Counted,
): ImageCount {
  const { category, regions } = predictions;
  const count: ImageCount = { one: 0, other: 0, all: 0, known: 0 };
  for (let id = image * regions; id < (image + 1) * regions; id++) {
    if (!isCounted(predictions, id, counted)) continue;
    count.all++;
    if (isUninformed(predictions, id)) continue;
    count.known++;
    if (category[id] === one) count.one++;
    else if (category[id] === other) count.other++;
  }
  return count;
}

/** Of the regions that predict one of two classes, the share from which on these count as apart. */
export const APART = 0.75;

/** The first step from which on, to the end, both classes are apart; null if they are not at the end. */
export function partingStep(rows: PairRow[]): number | null {
  const isApart = ({ own, enough }: PairRow) => enough && own.every(({ value }) => value >= APART);
  const last = rows.findLastIndex((row) => !isApart(row));
  return last === rows.length - 1 ? null : rows[last + 1].step;
}

/** Read a pair of classes at all steps of a condition, for each of its layers; what cannot be read is omitted. */
export async function readPair(
  atlas: Atlas,
  condition: string,
  pair: [number, number],
  counted: Counted,
): Promise<PairLayer[]> {
  const { layers, steps } = atlas.condition(condition);
  const all: PairLayer[] = [];
  for (const layer of layers) {
    const rows: PairRow[] = [];
    for (let step = 0; step < steps.length; step++) {
      const predictions = await readPredictions(atlas, { condition, layer, step }).catch(() => null);
      if (predictions) rows.push(pairRow(predictions, atlas.labels, pair, counted, step));
    }
    if (rows.length) all.push({ layer: atlas.layer(layer), rows });
  }
  return all;
}

async function readPredictions(atlas: Atlas, { condition, layer, step }: FrameKey): Promise<Predictions> {
  const path = `layers/${layer}/${condition}`;
  const [category, knowledge, temperatures] = await Promise.all([
    atlas.read<Uint8Array | Uint16Array>(`${path}/category`, step),
    atlas.read<Uint8Array>(`${path}/knowledge`, step),
    readTemperatures(atlas, condition, layer, step),
  ]);
  const [rows, columns] = atlas.grid(condition, layer);
  return { category, knowledge, temperatures, regions: rows * columns };
}
