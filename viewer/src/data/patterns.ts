/** The patterns of a layer at the end of training: clusters of the reliable regions of each class. */

import type { Atlas } from "./atlas";
import type { Count } from "./findings";
import type { Grid, Layer } from "./format";

/** A value with the ends of its interval, null without one. */
type Triple = [value: number | null, low: number | null, high: number | null];

/** The fall of the class's probability without a pattern's regions, and without as many others. */
export interface Fall {
  /** Images that were tested, and the mean probability of their class before. */
  asked: number;
  before: number;
  own: Triple;
  others: Triple;
  rest: Triple;
  /** Whether it falls more than without other reliable regions, and than without the rest, beyond the noise. */
  beyond_others: boolean;
  beyond_rest: boolean;
}

/** As in the store (docs/atlas-format.md). */
export interface Pattern {
  label: number;
  /** Within its class, counted from 1; the one with the most evidence first. */
  number: number;
  name: string | null;
  regions: number;
  images: number;
  share: Triple;
  stability: number;
  chance: number;
  specific: Triple;
  prior: number;
  refits: number | null;
  /** Label of the first step at which at least half of its regions are reliable. */
  appears: string | null;
  shared: [label: number, share: number][];
  fall: Fall | null;
  /** Ids of its most typical regions. */
  typical: number[];
}

export interface LayerPatterns {
  /** Number of each region's pattern, its place in `patterns` plus 1; 0 without one. */
  owner: Uint8Array | Uint16Array;
  patterns: Pattern[];
  /** Height and width in pixels of the receptive field. */
  field: Grid | null;
  /** Why the network was not tested, if so. */
  untested: string | null;
}

const pathOf = (atlas: Atlas, layer: string) => `layers/${layer}/${atlas.attributes.conditions[0].key}`;

export function hasPatterns(atlas: Atlas, layer: string): boolean {
  return atlas.has(`${pathOf(atlas, layer)}/pattern_table`);
}

/** Whether any layer has patterns. */
export function offersPatterns(atlas: Atlas): boolean {
  return atlas.attributes.conditions[0].layers.some((layer) => hasPatterns(atlas, layer));
}

/** Patterns that were read, so that a filter can ask for them at once. */
const known = new WeakMap<Layer, LayerPatterns>();

/** The patterns of a layer that were read. */
export function patternsOf(layer: Layer): LayerPatterns | null {
  return known.get(layer) ?? null;
}

/** Read the patterns of a layer; null if the atlas has none. */
export async function readPatterns(atlas: Atlas, key: string): Promise<LayerPatterns | null> {
  if (!hasPatterns(atlas, key)) return null;
  const layer = atlas.layer(key);
  const before = known.get(layer);
  if (before) return before;
  const path = pathOf(atlas, key);
  const [owner, text] = await Promise.all([
    atlas.read<LayerPatterns["owner"]>(`${path}/pattern`),
    atlas.read<Uint8Array>(`${path}/pattern_table`),
  ]);
  const table = JSON.parse(new TextDecoder().decode(text)) as Omit<LayerPatterns, "owner">;
  const found = { ...table, owner };
  known.set(layer, found);
  return found;
}

/** The name that the user gave to a pattern, or its class and number. */
export function patternTitle({ name, label, number }: Pattern, classes: string[]): string {
  return name ?? `${classes[label]} ${number}`;
}

export function asCount([value, low, high]: Triple): Count {
  return { value: value ?? Number.NaN, low: low ?? Number.NaN, high: high ?? Number.NaN };
}

/** A part of an image, and boxes within it, all in pixels of a thumbnail or of the part. */
export interface Cut {
  left: number;
  top: number;
  side: number;
  region: Box;
  field: Box | null;
}

/** Left, top, width and height in the part of the image. */
export type Box = [left: number, top: number, width: number, height: number];

/** Side of a patch in units of the longer side of the receptive field, or in regions if that is larger. */
const AROUND = 1.15,
  LEAST = 3;

/**
 * The part of an image around a region: a little more than its receptive field and at least three regions, within the
 * image. Sizes are those of the thumbnail; `field` is in its pixels.
 */
export function cutPatch(
  [height, width]: Grid,
  [rows, columns]: Grid,
  region: number,
  field: Grid | null,
): Cut {
  const cell: Grid = [height / rows, width / columns];
  const middle: Grid = [(Math.floor(region / columns) + 0.5) * cell[0], ((region % columns) + 0.5) * cell[1]];
  const wanted = Math.max(LEAST * Math.max(...cell), AROUND * Math.max(...(field ?? [0, 0])));
  const side = Math.min(wanted, height, width);
  const [top, left] = [height, width].map((size, axis) =>
    Math.min(Math.max(0, middle[axis] - side / 2), size - side),
  );
  const box = ([high, wide]: Grid): Box => [
    middle[1] - left - wide / 2,
    middle[0] - top - high / 2,
    wide,
    high,
  ];
  return { left, top, side, region: box(cell), field: field && box(field) };
}
