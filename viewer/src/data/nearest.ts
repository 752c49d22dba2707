/** Regions that are alike. */

import type { Frame } from "./frame";

/** The regions nearest to one in all dimensions of the embedding, at most one of each other image, nearest first. */
export function nearestRegions(
  { region: { all, dimensions }, regions }: Pick<Frame, "region" | "regions">,
  id: number,
  count: number,
): number[] {
  const images = all.length / dimensions / regions;
  const own = Math.floor(id / regions);
  const found: { id: number; distance: number }[] = [];
  for (let image = 0; image < images; image++) {
    if (image === own) continue;
    let best = { id: -1, distance: Infinity };
    for (let other = image * regions; other < (image + 1) * regions; other++) {
      let distance = 0;
      for (let axis = 0; axis < dimensions; axis++)
        distance += (all[dimensions * other + axis] - all[dimensions * id + axis]) ** 2;
      if (distance < best.distance) best = { id: other, distance };
    }
    found.push(best);
  }
  return found
    .sort((one, other) => one.distance - other.distance)
    .slice(0, count)
    .map(({ id: nearest }) => nearest);
}
