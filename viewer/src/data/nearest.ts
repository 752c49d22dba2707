/** Similar regions: by their embeddings, or by codes of their features. */

import type { Atlas } from "./atlas";

/** Positions of the regions of all images, `dimensions` numbers each. */
export interface Places {
  all: Int16Array | Uint8Array;
  dimensions: number;
}

/** Codes of the features of a layer at one step, and the share of their variance that is in them. */
export interface FeatureCodes extends Places {
  step: number;
  share: number;
}

/** Whether the atlas has codes of the features of a layer. */
export function hasFeatures(atlas: Atlas, layer: string): boolean {
  return atlas.has(featurePath(atlas, layer));
}

export async function readFeatures(atlas: Atlas, layer: string): Promise<FeatureCodes> {
  const path = featurePath(atlas, layer);
  const [all, share, step] = await Promise.all([
    atlas.read<Uint8Array>(path),
    atlas.attribute<number>(path, "share"),
    atlas.attribute<number>(path, "step"),
  ]);
  const [rows, columns] = atlas.grid(atlas.attributes.conditions[0].key, layer);
  return { all, dimensions: all.length / (atlas.attributes.n_images * rows * columns), share, step };
}

function featurePath(atlas: Atlas, layer: string): string {
  return `layers/${layer}/${atlas.attributes.conditions[0].key}/feature`;
}

/** The regions nearest to one in all dimensions, at most one of each other image, nearest first. */
export function nearestRegions(
  { all, dimensions }: Places,
  regions: number,
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
