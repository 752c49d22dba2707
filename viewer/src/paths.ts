/** Where points were over the steps of a condition: read behind the picture, drawn when they are there. */

import { pathsOfPoints } from "./frame";
import type { Run } from "./run";

export interface Wanted {
  array: string;
  steps: number;
  ids: number[];
}

export interface Paths {
  /** The paths, or none as long as they are read; `ready` is called then. */
  get(wanted: Wanted): Float32Array[];
}

const KEPT = 24;

export function makePaths(run: Run, ready: () => void): Paths {
  const found = new Map<string, Float32Array[]>();
  return {
    get(wanted) {
      if (!wanted.ids.length || wanted.steps < 2) return [];
      const key = `${wanted.array}:${wanted.ids.join()}`;
      const known = found.get(key);
      if (known) return known;
      found.set(key, []);
      if (found.size > KEPT) found.delete(found.keys().next().value as string);
      void pathsOfPoints(run, wanted).then((paths) => {
        found.set(key, paths);
        ready();
      });
      return [];
    },
  };
}
