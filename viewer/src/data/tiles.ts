/** What an image shows in one layer at one step, for many small pictures. */

import type { Atlas } from "./atlas";
import type { Grid } from "./format";
import { readBits, type Frame, type FrameKey } from "./frame";

/** Points and evidence of the regions of all images. */
export interface Tile {
  grid: Grid;
  regions: number;
  knowledge: Uint8Array;
  bits: Frame["bits"];
  stability: null;
}

/** Read a tile; null where its arrays are damaged. */
export async function readTile(atlas: Atlas, { condition, layer, step }: FrameKey): Promise<Tile | null> {
  const path = `layers/${layer}/${condition}`;
  const grid = atlas.grid(condition, layer);
  const [knowledge, bits] = await Promise.all([
    atlas.read<Uint8Array>(`${path}/knowledge`, step),
    readBits(atlas, `${path}/bits`, step),
  ]).catch(() => [null, null]);
  return knowledge && { grid, regions: grid[0] * grid[1], knowledge, bits, stability: null };
}

/** At most `count` indices below `length`, evenly spread, the first and the last among them. */
export function spread(length: number, count: number): number[] {
  if (count >= length) return Array.from({ length }, (_, index) => index);
  if (count < 2) return [length - 1];
  return Array.from({ length: count }, (_, index) => Math.round((index * (length - 1)) / (count - 1)));
}
