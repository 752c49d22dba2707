/** The arrays of one condition, layer and step. */

import type { Atlas, Positions } from "./atlas";
import type { Condition, Grid, Layer } from "./format";

/** In `targets`: the network misclassified the image, so it was not attacked. */
export const NOT_ATTACKED = 65535;

/** What the points of the space are: the embeddings of regions, or of whole images. */
export type Space = "regions" | "images";

/** Per image, T at zero and at infinite strength, and the strength in between (docs/atlas-format.md). */
export interface Temperatures {
  weak: Float32Array;
  strong: Float32Array;
  unit: Float32Array;
}

export interface Frame {
  condition: Condition;
  layer: Layer;
  step: number;
  grid: Grid;
  /** Regions per image. */
  regions: number;
  /** Mean directions (classes x dimensions) for the regions, and for the images. */
  directions: Float32Array;
  sampleDirections: Float32Array;
  /** Class that the network predicts, per image. */
  predictions: Uint16Array;
  region: Positions;
  sample: Positions;
  /** Per region: its most probable class, 255 times that probability, and bits: 1 knowledge point, 2 reliable. */
  category: Uint8Array | Uint16Array;
  confidence: Uint8Array;
  knowledge: Uint8Array;
  /** Null for 1 throughout. */
  temperatures: Temperatures | null;
  /** Per region, if measured: evidence for the image's class, and the refits with the same point. */
  bits: { values: Int16Array; scale: number } | null;
  stability: { values: Uint8Array; refits: number } | null;
  /** Trajectory type per region; null without an attack. */
  trajectory: Uint8Array | null;
  /** Target class of the attack per image, or NOT_ATTACKED; null without an attack. */
  targets: Uint16Array | null;
  /** Outcome of the attack per image, bits: 1 attacked, 2 the attack succeeded; null without an attack. */
  outcome: Uint8Array | null;
  /** 65535 times the probability that the network assigns to the class that it predicts; null where not stored. */
  certainty: Uint16Array | null;
}

/** The keys of a frame. */
export interface FrameKey {
  condition: string;
  layer: string;
  step: number;
}

export async function readFrame(
  atlas: Atlas,
  { condition: name, layer: key, step }: FrameKey,
): Promise<Frame> {
  const ofLayer = (array: string) => `layers/${key}/${name}/${array}`;
  const ofCondition = (array: string) => `conditions/${name}/${array}`;
  const optional = (path: string, at?: number) => (atlas.has(path) ? atlas.read(path, at) : null);
  const grid = atlas.grid(name, key);
  const read = {
    directions: readDirections(atlas, name, key, step),
    sampleDirections: atlas.read<Float32Array>(ofCondition("direction"), step),
    predictions: atlas.read<Uint16Array>(ofCondition("predictions"), step),
    region: atlas.positions(ofLayer("position"), step),
    sample: atlas.positions(ofCondition("sample_position"), step),
    category: atlas.read<Uint8Array | Uint16Array>(ofLayer("category"), step),
    confidence: atlas.read<Uint8Array>(ofLayer("confidence"), step),
    knowledge: atlas.read<Uint8Array>(ofLayer("knowledge"), step),
    temperatures: readTemperatures(atlas, name, key, step),
    bits: readBits(atlas, ofLayer("bits"), step),
    stability: readStability(atlas, ofLayer("stability"), step),
    trajectory: optional(ofLayer("trajectory")) as Promise<Uint8Array> | null,
    targets: optional(ofCondition("targets")) as Promise<Uint16Array> | null,
    outcome: optional(ofCondition("outcome")) as Promise<Uint8Array> | null,
    certainty: optional(ofCondition("certainty"), step) as Promise<Uint16Array> | null,
  };
  // Awaited together: none may fail unhandled while another is awaited.
  await Promise.all(Object.values(read));
  return {
    condition: atlas.condition(name),
    layer: atlas.layer(key),
    step,
    grid,
    regions: grid[0] * grid[1],
    directions: await read.directions,
    sampleDirections: await read.sampleDirections,
    predictions: await read.predictions,
    region: await read.region,
    sample: await read.sample,
    category: await read.category,
    confidence: await read.confidence,
    knowledge: await read.knowledge,
    temperatures: await read.temperatures,
    bits: await read.bits,
    stability: await read.stability,
    trajectory: await read.trajectory,
    targets: await read.targets,
    outcome: await read.outcome,
    certainty: await read.certainty,
  };
}

/** Read the mean directions for the regions of a layer: its own where stored, otherwise the condition's. */
export function readDirections(
  atlas: Atlas,
  condition: string,
  layer: string,
  step: number,
): Promise<Float32Array> {
  const own = `layers/${layer}/${condition}/direction`;
  return atlas.read(atlas.has(own) ? own : `conditions/${condition}/direction`, step);
}

/** Read the temperatures of the images; null if probabilities are those of unscaled positions. */
export async function readTemperatures(
  atlas: Atlas,
  condition: string,
  layer: string,
  step: number,
): Promise<Temperatures | null> {
  const path = `layers/${layer}/${condition}/temperature`;
  if (!atlas.has(path)) return null;
  const values = await atlas.read<Float32Array>(path, step);
  const known = temperatures.get(values) ?? splitTemperatures(values, atlas.attributes.n_images);
  temperatures.set(values, known);
  return known;
}

/** Of stored arrays, so that a region's curve over all steps does not split them again. */
const temperatures = new WeakMap<Float32Array, Temperatures>();

function splitTemperatures(values: Float32Array, images: number): Temperatures {
  // An atlas of an earlier version has one temperature for all strengths.
  if (values.length === images)
    return { weak: values, strong: values, unit: new Float32Array(images).fill(1) };
  const [weak, strong, unit] = [0, 1, 2].map((of) =>
    Float32Array.from({ length: images }, (_, image) => values[3 * image + of]),
  );
  return { weak, strong, unit };
}

export async function readBits(atlas: Atlas, path: string, step: number): Promise<Frame["bits"]> {
  if (!atlas.has(path)) return null;
  const [values, scale] = await Promise.all([
    atlas.read<Int16Array>(path, step),
    atlas.attribute<number[]>(path, "scale"),
  ]);
  return { values, scale: scale[step] };
}

async function readStability(atlas: Atlas, path: string, step: number): Promise<Frame["stability"]> {
  if (!atlas.has(path)) return null;
  const [values, refits] = await Promise.all([
    atlas.read<Uint8Array>(path, step),
    atlas.attribute<number>(path, "refits"),
  ]);
  return { values, refits };
}

/** The positions of the points of a space. */
export function positionsIn(frame: Frame, space: Space): Positions {
  return space === "regions" ? frame.region : frame.sample;
}

/** A reader that keeps the last frames, so that the same key gives the same object. */
export function makeFrameReader(atlas: Atlas, capacity = 6): (key: FrameKey) => Promise<Frame> {
  const frames = new Map<string, Promise<Frame>>();
  return (frameKey) => {
    const key = `${frameKey.condition}/${frameKey.layer}/${frameKey.step}`;
    const frame = frames.get(key) ?? readFrame(atlas, frameKey);
    frames.delete(key);
    frames.set(key, frame);
    frame.catch(() => frames.delete(key));
    if (frames.size > capacity) frames.delete(frames.keys().next().value as string);
    return frame;
  };
}

/** Strength at the end of the scales: the 99.7 % quantile, at least 1. */
export function strengthReach({ all, dimensions, scale }: Positions): number {
  const points = all.length / dimensions;
  const stride = Math.max(1, Math.floor(points / 20000));
  const strengths = new Float64Array(Math.ceil(points / stride));
  for (let row = 0; row < strengths.length; row++) {
    const first = dimensions * stride * row;
    for (let at = first; at < first + dimensions; at++) strengths[row] += all[at] * all[at];
  }
  strengths.sort(); // numbers in a typed array, in their order
  return Math.max(1, scale * Math.sqrt(strengths[Math.floor(0.997 * (strengths.length - 1))] ?? 0));
}

/**
 * The mean extent of the points of each class along its mean direction; 0 for a negative one. Where
 * nothing is known the points of a class lie on all sides, so that this is near 0 however strong they are.
 */
export function classStrengths(
  { all, dimensions, scale }: Positions,
  directions: number[][],
  classOf: (id: number) => number,
): number[] {
  const flat = Float64Array.from(directions.flat());
  const [sums, counts] = [new Float64Array(directions.length), new Float64Array(directions.length)];
  for (let id = 0, from = 0; from < all.length; id++, from += dimensions) {
    const label = classOf(id);
    let along = 0;
    for (let axis = 0; axis < dimensions; axis++) along += all[from + axis] * flat[dimensions * label + axis];
    sums[label] += along;
    counts[label]++;
  }
  return Array.from(sums, (sum, label) => Math.max(0, (scale * sum) / Math.max(1, counts[label])));
}
