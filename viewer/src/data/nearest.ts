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
  const here = Float64Array.from(all.subarray(dimensions * id, dimensions * (id + 1)));
  const found: { id: number; distance: number }[] = [];
  for (let image = 0; image < images; image++) {
    if (image === own) continue;
    let [nearest, least] = [-1, Infinity];
    for (let other = image * regions; other < (image + 1) * regions; other++) {
      const from = dimensions * other;
      let distance = 0;
      for (let axis = 0; axis < dimensions && distance < least; axis++) {
        const apart = all[from + axis] - here[axis];
        distance += apart * apart;
      }
      if (distance < least) [nearest, least] = [other, distance];
    }
    found.push({ id: nearest, distance: least });
  }
  return found
    .sort((one, other) => one.distance - other.distance)
    .slice(0, count)
    .map(({ id: nearest }) => nearest);
}
