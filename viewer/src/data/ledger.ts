/** What became of the knowledge points of a layer between two steps: the flows of `patternscope.knowledge.ledger`. */

import type { Atlas } from "./atlas";
import type { Count } from "./findings";
import { readFrame, type Frame, type FrameKey } from "./frame";
import { ratioOf } from "./intervals";

/** The flows by the numbers of `Flow` in Python; of regions of "none" neither step has a point. */
export const FLOWS = ["none", "learnt", "relearnt", "kept", "changed", "forgotten"] as const;
export type Flow = (typeof FLOWS)[number];
export type Move = Exclude<Flow, "none">;
/** The step that a step of the training is compared with. An attack starts from clean images, a student from its teacher. */
export const SINCE = ["previous", "first"] as const;
export type Since = (typeof SINCE)[number];

/** The knowledge points and the evidence of a layer's regions at one step. */
export type Points = Pick<Frame, "category" | "knowledge" | "bits" | "regions">;

/** The flow of each region of a frame since an earlier one. */
export interface Flows {
  before: Frame;
  /** A value of `FLOWS` per region; "none" in images that are not compared. */
  regions: Uint8Array;
  isCompared: (image: number) => boolean;
}

/** The frame that a frame is compared with; null for the first one, and for a student with a different grid. */
export function startOf(atlas: Atlas, frame: FrameKey, since: Since): FrameKey | null {
  const { condition, layer, step } = frame;
  const { kind } = atlas.condition(condition);
  if (kind === "attack") return step > 0 ? { ...frame, step: 0 } : null;
  if (kind === "training") return step > 0 ? { ...frame, step: since === "first" ? 0 : step - 1 } : null;
  const [{ key, layers, steps }] = atlas.attributes.conditions;
  const [own, teacher] = [condition, key].map((name) => atlas.grid(name, layer)?.join());
  return layers.includes(layer) && own === teacher ? { condition: key, layer, step: steps.length - 1 } : null;
}

/**
 * The flow of each region, from its points before and after. `earlier` tells whether a region was a point before the
 * first of the two.
 */
export function flowOfRegions(before: Points, after: Points, earlier: Uint8Array | null): Uint8Array {
  const flows = new Uint8Array(after.knowledge.length);
  for (let id = 0; id < flows.length; id++) {
    const [was, is] = [before.knowledge[id] & 1, after.knowledge[id] & 1];
    if (was && is) flows[id] = before.category[id] === after.category[id] ? 3 : 4;
    else if (was) flows[id] = 5;
    else if (is) flows[id] = earlier?.[id] ? 2 : 1;
  }
  return flows;
}

/** Flows that were read, so that a filter can ask for them at once. */
const known = new WeakMap<Frame, Map<Since, Flows | null>>();

/** The flows of a frame that were read; null without anything to compare with, or before they are read. */
export function flowsOf(frame: Frame, since: Since): Flows | null {
  return known.get(frame)?.get(since) ?? null;
}

/** Read the flows of a frame; null without anything to compare with. */
export async function readFlows(atlas: Atlas, frame: Frame, since: Since): Promise<Flows | null> {
  const own = known.get(frame) ?? new Map<Since, Flows | null>();
  known.set(frame, own);
  if (!own.has(since)) own.set(since, await compare(atlas, frame, since));
  return own.get(since) as Flows | null;
}

async function compare(atlas: Atlas, frame: Frame, since: Since): Promise<Flows | null> {
  const key = { condition: frame.condition.key, layer: frame.layer.key, step: frame.step };
  const start = startOf(atlas, key, since);
  if (!start) return null;
  const [before, earlier] = await Promise.all([
    readFrame(atlas, start),
    frame.condition.kind === "training" ? readEarlier(atlas, start) : null,
  ]);
  const { outcome } = frame;
  const isCompared = (image: number) => outcome === null || (outcome[image] & 1) === 1;
  const regions = flowOfRegions(before, frame, earlier).map((flow, id) =>
    isCompared(Math.floor(id / frame.regions)) ? flow : 0,
  );
  return { before, regions, isCompared };
}

/** Which regions are a point at any step before a given one; null without an earlier step. */
async function readEarlier(atlas: Atlas, { condition, layer, step }: FrameKey): Promise<Uint8Array | null> {
  const steps = Array.from({ length: step }, (_, before) =>
    atlas.read<Uint8Array>(`layers/${layer}/${condition}/knowledge`, before),
  );
  const [first, ...others] = await Promise.all(steps);
  if (!first) return null;
  const any = first.map((bits) => bits & 1);
  for (const knowledge of others) for (let id = 0; id < any.length; id++) any[id] |= knowledge[id] & 1;
  return any;
}

/** Regions of all compared images that are points of one class before, after, or both. */
export interface ClassFlows {
  before: number;
  after: number;
  kept: number;
  /** Points of another class before, and of another class now. */
  came: number;
  left: number;
  learnt: number;
  relearnt: number;
  forgotten: number;
  /** Growth of evidence in the images of the class, bits per region of the layer; null where not measured. */
  bits: Count | null;
}

/** The sums of `before = kept + changed + forgotten` and `after = kept + changed + learnt + relearnt`. */
export interface Ledger {
  images: number;
  /** Knowledge points per image. */
  before: Count;
  after: Count;
  /** Regions per image in each flow. */
  points: Record<Move, Count>;
  /** The growth of evidence in the regions of each flow, in bits per region of the layer; they sum to `growth`. */
  bits: Record<Flow, Count> | null;
  growth: Count | null;
  /** Of the points before, the share that is a point of the same class after. */
  kept: Count;
  /** Of the points before, the share that is one in a refit of the same network; null where not measured. */
  refit: Count | null;
  classes: ClassFlows[];
}

/** Regions in each flow, and the growth of their evidence, for one image. */
interface ImageSums {
  label: number;
  before: number;
  refits: number;
  points: number[];
  bits: number[];
}

export function countLedger(flows: Flows, after: Frame, labels: Uint16Array, classes: number): Ledger {
  const { before } = flows;
  const images = Array.from(labels.keys()).filter(flows.isCompared);
  const sums = images.map((image) => sumImage(flows, after, image, labels[image]));
  const measured = before.bits !== null && after.bits !== null;
  const mean = (of: (sum: ImageSums) => number, all = 1) =>
    ratioOf(sums.map((sum): [number, number] => [of(sum), all]));
  const total = ({ bits }: ImageSums) => bits.reduce((one, other) => one + other, 0);
  const byFlow = <K extends Flow>(
    names: readonly K[],
    of: (sum: ImageSums, place: number) => number,
    all: number,
    within = (count: Count) => count,
  ) =>
    Object.fromEntries(
      names.map((name) => [name, within(mean((sum) => of(sum, FLOWS.indexOf(name)), all))]),
    ) as Record<K, Count>;
  const share = (of: (sum: ImageSums) => number) =>
    ratioOf(sums.map((sum): [number, number] => [of(sum), sum.before]));
  return {
    images: images.length,
    before: atLeastZero(mean((sum) => sum.before)),
    after: atLeastZero(mean(({ points }) => points[1] + points[2] + points[3] + points[4])),
    points: byFlow(MOVES, ({ points }, place) => points[place], 1, atLeastZero),
    bits: measured ? byFlow(FLOWS, ({ bits }, place) => bits[place], after.regions) : null,
    growth: measured ? mean(total, after.regions) : null,
    kept: share(({ points }) => points[3]),
    refit: before.stability && share(({ refits }) => refits),
    classes: countClasses(flows, after, classes).map((row, label) => ({
      ...row,
      bits: measured
        ? ratioOf(sums.filter((sum) => sum.label === label).map((sum) => [total(sum), after.regions]))
        : null,
    })),
  };
}

/** A number of regions, whose interval ends at 0. */
function atLeastZero({ value, low, high }: Count): Count {
  return { value, low: Math.max(0, low), high };
}

/** The flows in which a region is a point at one of the steps, or at both. */
export const MOVES = FLOWS.slice(1) as Move[];

function sumImage({ before, regions }: Flows, after: Frame, image: number, label: number): ImageSums {
  const sum: ImageSums = {
    label,
    before: 0,
    refits: 0,
    points: FLOWS.map(() => 0),
    bits: FLOWS.map(() => 0),
  };
  for (let id = image * after.regions; id < (image + 1) * after.regions; id++) {
    const flow = regions[id];
    sum.points[flow]++;
    if (before.knowledge[id] & 1) {
      sum.before++;
      if (before.stability) sum.refits += before.stability.values[id] / before.stability.refits;
    }
    if (before.bits && after.bits)
      sum.bits[flow] += after.bits.scale * after.bits.values[id] - before.bits.scale * before.bits.values[id];
  }
  return sum;
}

function countClasses(
  { before, regions }: Flows,
  after: Points,
  classes: number,
): Omit<ClassFlows, "bits">[] {
  const rows = Array.from({ length: classes }, () => ({
    ...{ before: 0, after: 0, kept: 0, came: 0, left: 0, learnt: 0, relearnt: 0, forgotten: 0 },
  }));
  for (let id = 0; id < regions.length; id++) {
    const flow = FLOWS[regions[id]];
    if (flow === "none") continue;
    const [was, is] = [rows[before.category[id]], rows[after.category[id]]];
    if (flow === "forgotten" || flow === "kept" || flow === "changed") was.before++;
    if (flow !== "forgotten") is.after++;
    if (flow === "changed") {
      was.left++;
      is.came++;
    } else (flow === "forgotten" ? was : is)[flow]++;
  }
  return rows;
}
