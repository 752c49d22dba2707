/** The values of one region: class probabilities, strength, evidence and stability. */

import type { Atlas, Positions } from "./atlas";
import { readDirections, readTemperatures, type Frame, type FrameKey } from "./frame";
import { coordinates, logPosterior } from "./posterior";

/** The data from which probabilities are computed. */
type Tempered = Pick<Frame, "temperatures" | "regions">;
type Judged = Tempered & Pick<Frame, "directions" | "region">;

/** log p of each class, from all dimensions and calibrated like the study's own; logs do not saturate. */
export function regionLogPosterior(atlas: Atlas, frame: Judged, id: number): number[] {
  const { all, dimensions, scale, unit } = frame.region;
  const point = coordinates(all, dimensions, scale * unit, id);
  const temperature = temperatureOf(frame, id, Math.hypot(...point));
  return logPosterior(point, frame.directions, atlas.concentration, temperature);
}

export function regionPosterior(atlas: Atlas, frame: Judged, id: number): number[] {
  return regionLogPosterior(atlas, frame, id).map(Math.exp);
}

/** The probability behind a stored byte, round(255 p); neither end is quite 0 or 1. */
export function storedProbability(value: number): number {
  return Math.min(254.75, Math.max(0.25, value)) / 255;
}

/**
 * Class probabilities as the page states them: that of the most probable class as it is stored, which is said of the
 * region in all its places, and the others in the proportion of positions.
 */
export function statedPosterior(atlas: Atlas, frame: Frame, id: number): number[] {
  const computed = regionPosterior(atlas, frame, id);
  if (isUninformed(frame, id)) return computed;
  const [top, stored] = [frame.category[id], storedProbability(frame.confidence[id])];
  const rest = (1 - stored) / Math.max(1e-12, 1 - computed[top]);
  return computed.map((p, label) => (label === top ? stored : p * rest));
}

/** Class probabilities of a region at another step or layer. */
export async function readRegionPosterior(
  atlas: Atlas,
  { condition, layer, step }: FrameKey,
  id: number,
): Promise<number[]> {
  const [region, directions, temperatures] = await Promise.all([
    atlas.positions(`layers/${layer}/${condition}/position`, step),
    readDirections(atlas, condition, layer, step),
    readTemperatures(atlas, condition, layer, step),
  ]);
  const [rows, columns] = atlas.grid(condition, layer);
  return regionPosterior(atlas, { region, directions, temperatures, regions: rows * columns }, id);
}

/** 1 / T = (1 - phi) / T_weak + phi / T_strong, phi = l / (l + unit), l in the unit of the study. */
function temperatureOf({ temperatures, regions }: Tempered, id: number, strength: number): number {
  if (!temperatures) return 1;
  const image = Math.floor(id / regions);
  const share = strength / (strength + temperatures.unit[image]);
  return 1 / ((1 - share) / temperatures.weak[image] + share / temperatures.strong[image]);
}

/** Whether the layer has no evidence about the region's image, so that all classes are equally probable. */
export function isUninformed({ temperatures, regions }: Tempered, id: number): boolean {
  const image = Math.floor(id / regions);
  return temperatures?.weak[image] === Infinity && temperatures.strong[image] === Infinity;
}

/** Strength of a point in all dimensions. */
export function strengthAt({ all, dimensions, scale }: Positions, id: number): number {
  let sum = 0;
  for (let axis = 0; axis < dimensions; axis++) sum += all[dimensions * id + axis] ** 2;
  return scale * Math.sqrt(sum);
}

/** The region of an image with the highest log probability of a class. */
export function topRegion(atlas: Atlas, frame: Frame, image: number, label: number): number {
  let best = 0;
  let most = -Infinity;
  for (let region = 0; region < frame.regions; region++) {
    const value = regionLogPosterior(atlas, frame, image * frame.regions + region)[label];
    if (value > most) [best, most] = [region, value];
  }
  return best;
}

/** Evidence of a region for its image's class in bits; null if it was not measured. */
export function bitsAt({ bits }: Frame, id: number): number | null {
  return bits && bits.scale * bits.values[id];
}

/** The number of refits in which a region is a point of its class, and of all refits; null if not measured. */
export function stabilityAt({ stability }: Frame, id: number): { points: number; refits: number } | null {
  return stability && { points: stability.values[id], refits: stability.refits };
}
