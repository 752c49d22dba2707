/** Paths of points over the steps of a condition, read in the background. */

import type { Atlas } from "./atlas";
import { coordinates } from "./posterior";

export interface PathRequest {
  /** The array of positions. */
  array: string;
  steps: number;
  ids: number[];
}

export interface PathCache {
  /** The paths, all coordinates step by step; none while they are read: `ready` is called then. */
  get(request: PathRequest): Float32Array[];
}

const CAPACITY = 24;

export function makePathCache(atlas: Atlas, ready: () => void): PathCache {
  const cache = new Map<string, Float32Array[]>();
  return {
    get(request) {
      if (!request.ids.length || request.steps < 2) return [];
      const key = `${request.array}:${request.ids.join()}`;
      const cached = cache.get(key);
      if (cached) return cached;
      cache.set(key, []);
      if (cache.size > CAPACITY) cache.delete(cache.keys().next().value as string);
      void readPaths(atlas, request).then((paths) => {
        cache.set(key, paths);
        ready();
      });
      return [];
    },
  };
}

/** Read the path of each point; a step that cannot be read is NaN. */
async function readPaths(atlas: Atlas, { array, steps, ids }: PathRequest): Promise<Float32Array[]> {
  const { dimensions } = atlas.attributes;
  const paths = ids.map(() => new Float32Array(dimensions * steps).fill(Number.NaN));
  for (let step = 0; step < steps; step++) {
    const positions = await atlas.positions(array, step).catch(() => null);
    if (positions)
      ids.forEach((id, index) =>
        paths[index].set(coordinates(positions.all, dimensions, positions.scale, id), dimensions * step),
      );
  }
  return paths;
}
