/** The filter: facets that decide which points pass, independently of colours. */

import type { Atlas } from "../data/atlas";
import type { Condition } from "../data/format";
import type { Frame } from "../data/frame";
import { FLOWS, flowsOf, MOVES, type Move, type Since } from "../data/ledger";
import { patternsOf } from "../data/patterns";
import { bitsAt, isUninformed } from "../data/regions";

export const POINTS = ["all", "knowledge", "reliable", "unreliable"] as const;
export type Points = (typeof POINTS)[number];
export const DECIDED = ["any", "correct", "misclassified"] as const;
export type Decided = (typeof DECIDED)[number];
export const OUTCOMES = ["any", "succeeded", "failed", "not attacked"] as const;
export type Outcome = (typeof OUTCOMES)[number];
/** What became of a region as a knowledge point since an earlier step. */
export const BECAME = ["any", ...MOVES] as const;
export type Became = "any" | Move;

/** Facets that must all be met; of a list of classes, one of them, and an empty list means any. */
export interface Filter {
  /** True class of the image. */
  classes: number[];
  /** Class that the region predicts. */
  regions: number[];
  /** Class that the network predicts for the image. */
  decisions: number[];
  /** Class that the region was a knowledge point of at the step that is compared with. */
  was: number[];
  decided: Decided;
  points: Points;
  /** Whether the region has to be a point of its class in all refits. */
  stable: boolean;
  /** Least and most evidence in bits; null for no bound. */
  bits: [least: number | null, most: number | null];
  outcome: Outcome;
  flow: Became;
  /** What `flow` and `was` compare with. */
  since: Since;
  /** Number of a pattern of the layer; 0 means any region. */
  pattern: number;
  /** Trajectory type; 0 means any. */
  path: number;
  /** Whether the points that do not pass stay, in faint grey. */
  outside: boolean;
}

export const NO_FILTER: Filter = {
  classes: [],
  regions: [],
  decisions: [],
  was: [],
  decided: "any",
  points: "all",
  stable: false,
  bits: [null, null],
  outcome: "any",
  flow: "any",
  since: "previous",
  pattern: 0,
  path: 0,
  outside: false,
};

/** The classes that a view separates: those of the images and of the regions that pass; none for all. */
export function separatedClasses({ classes, regions }: Filter): number[] {
  const named = [...new Set([...classes, ...regions])].sort((one, other) => one - other);
  return named.length > 1 ? named : [];
}

/** The facets that name classes. */
export const CLASS_FACETS = ["classes", "regions", "decisions", "was"] as const;
export type ClassFacet = (typeof CLASS_FACETS)[number];

/** The data of a condition that facets need. */
export function facetsOf(
  atlas: Atlas,
  { key, kind, layers, steps }: Condition,
): Record<"stable" | "bits" | "outcome" | "path" | "flow" | "pattern", boolean> {
  const everywhere = (array: string) => layers.every((layer) => atlas.has(`layers/${layer}/${key}/${array}`));
  return {
    stable: everywhere("stability"),
    bits: everywhere("bits"),
    outcome: atlas.has(`conditions/${key}/outcome`),
    path: kind === "attack",
    flow: kind === "model" || steps.length > 1,
    pattern: kind !== "model",
  };
}

/** The filter without what the condition lacks; the same object where nothing changes, for caches. */
export function validFilter(atlas: Atlas, condition: Condition, filter: Filter): Filter {
  const has = facetsOf(atlas, condition);
  const valid = { ...filter };
  for (const name of ["stable", "outcome", "path", "flow", "pattern"] as const)
    if (!has[name]) Object.assign(valid, { [name]: NO_FILTER[name] });
  if (!has.flow && filter.was.length) valid.was = NO_FILTER.was;
  if (!has.bits && !isAnyEvidence(filter)) valid.bits = NO_FILTER.bits;
  const exists = (label: number) => label >= 0 && label < atlas.attributes.classes.length;
  for (const facet of CLASS_FACETS)
    if (!filter[facet].every(exists) || new Set(filter[facet]).size < filter[facet].length)
      valid[facet] = [...new Set(filter[facet])].filter(exists);
  const names = Object.keys(valid) as (keyof Filter)[];
  return names.every((name) => valid[name] === filter[name]) ? filter : valid;
}

export function isAnyEvidence({ bits: [least, most] }: Filter): boolean {
  return least === null && most === null;
}

/** Whether a facet compares with another step. */
export function concernsFlows({ flow, was }: Filter): boolean {
  return flow !== "any" || was.length > 0;
}

/** Whether a facet distinguishes regions of one image. */
export function concernsRegions(filter: Filter): boolean {
  const { regions, points, stable, path, pattern } = filter;
  const named = regions.length > 0 || points !== "all" || stable || path > 0 || pattern > 0;
  return named || !isAnyEvidence(filter) || concernsFlows(filter);
}

/** Whether there may be points that do not pass. */
export function isActive(filter: Filter): boolean {
  const { classes, decisions, decided, outcome } = filter;
  const named = classes.length > 0 || decisions.length > 0;
  return named || decided !== "any" || outcome !== "any" || concernsRegions(filter);
}

/** Whether a filter is about the regions of one class that predict one other, or the same. */
export function isPair({ classes, regions }: Filter, truth: number, predicted: number): boolean {
  return classes.length === 1 && regions.length === 1 && classes[0] === truth && regions[0] === predicted;
}

/** Whether a filter is about the regions of one flow, of these classes before and now. */
export function isFlow(filter: Filter, flow: Became, was: number[], regions: number[]): boolean {
  return filter.flow === flow && filter.was.join() === was.join() && filter.regions.join() === regions.join();
}

/** What passes: 1 per region, and per image the number of its regions. */
export interface Passing {
  regions: Uint8Array;
  images: Uint16Array;
}

const cache = new WeakMap<Frame, { filter: Filter; passing: Passing }>();

/**
 * The regions and images of a frame that pass a filter; the same objects for the same filter. One about flows or a
 * pattern passes those that `readFlows` and `readPatterns` have read, none where there are none.
 */
export function passing(frame: Frame, filter: Filter, labels: Uint16Array): Passing {
  const cached = cache.get(frame);
  if (cached?.filter === filter) return cached.passing;
  const found = findPassing(frame, filter, labels);
  cache.set(frame, { filter, passing: found });
  return found;
}

function findPassing(frame: Frame, filter: Filter, labels: Uint16Array): Passing {
  const regions = new Uint8Array(labels.length * frame.regions);
  const images = new Uint16Array(labels.length);
  const [imagePasses, regionPasses] = [imageTest(frame, filter, labels), regionTest(frame, filter)];
  for (let image = 0; image < labels.length; image++) {
    if (!imagePasses(image)) continue;
    for (let id = image * frame.regions; id < (image + 1) * frame.regions; id++) {
      if (!regionPasses(id)) continue;
      regions[id] = 1;
      images[image]++;
    }
  }
  return { regions, images };
}

/** Bits of `knowledge` to test, and their required value. */
const KINDS: Record<Points, [bits: number, value: number]> = {
  all: [0, 0],
  knowledge: [1, 1],
  reliable: [3, 3],
  unreliable: [3, 1],
};

function regionTest(frame: Frame, filter: Filter): (id: number) => boolean {
  const { category, knowledge, stability, trajectory } = frame;
  const [bits, value] = KINDS[filter.points];
  const [least, most] = filter.bits;
  const predicts = classTest(filter.regions);
  const flows = flowTest(frame, filter);
  const owner = filter.pattern > 0 ? patternsOf(frame.layer)?.owner : null;
  const bounded = !isAnyEvidence(filter) && frame.bits !== null;
  const hasEvidence = (id: number) => {
    const own = bitsAt(frame, id) as number;
    return (least === null || own >= least) && (most === null || own <= most);
  };
  return (id) =>
    (knowledge[id] & bits) === value &&
    (!filter.regions.length || (predicts(category[id]) && !isUninformed(frame, id))) &&
    (!filter.stable || stability === null || stability.values[id] === stability.refits) &&
    (filter.path === 0 || trajectory === null || trajectory[id] === filter.path) &&
    (!bounded || hasEvidence(id)) &&
    (owner === null || owner?.[id] === filter.pattern) &&
    flows(id);
}

function flowTest(frame: Frame, filter: Filter): (id: number) => boolean {
  if (!concernsFlows(filter)) return () => true;
  const flows = flowsOf(frame, filter.since);
  if (!flows) return () => false;
  const { before, regions } = flows;
  const [wanted, was] = [FLOWS.indexOf(filter.flow as Move), classTest(filter.was)];
  return (id) =>
    (filter.flow === "any" || regions[id] === wanted) &&
    (!filter.was.length || ((before.knowledge[id] & 1) === 1 && was(before.category[id])));
}

function imageTest(frame: Frame, filter: Filter, labels: Uint16Array): (image: number) => boolean {
  const { predictions } = frame;
  const [isTrue, isDecision] = [classTest(filter.classes), classTest(filter.decisions)];
  return (image) =>
    isTrue(labels[image]) &&
    isDecision(predictions[image]) &&
    (filter.decided === "any" || (predictions[image] === labels[image]) === (filter.decided === "correct")) &&
    (filter.outcome === "any" || filter.outcome === outcomeOf(frame, image));
}

/** The outcome of an attack on an image; null without an attack. */
export function outcomeOf({ outcome }: Pick<Frame, "outcome">, image: number): Outcome | null {
  if (!outcome) return null;
  if (!(outcome[image] & 1)) return "not attacked";
  return outcome[image] & 2 ? "succeeded" : "failed";
}

function classTest(labels: number[]): (label: number) => boolean {
  if (!labels.length) return () => true;
  const included = new Set(labels);
  return (label) => included.has(label);
}
