/** Reads neighbouring steps while the page is idle, so that a change of step finds them decoded. */

import type { Atlas } from "./atlas";
import { readFrame, type Frame } from "./frame";

/** Bytes of steps to prefetch; the cache of the atlas holds more. */
const BUDGET = 64e6;

/**
 * A function that prefetches the neighbours of a frame, nearest first, until it is called with another one. `prepare`
 * computes what a frame needs before it is drawn.
 */
export function makePrefetch(atlas: Atlas, prepare: (frame: Frame) => void): (frame: Frame | null) => void {
  let current: Frame | null = null;
  const read = async (frame: Frame) => {
    for (const step of nearestSteps(frame)) {
      await idle();
      if (current !== frame) return;
      // Damage is reported when the step is shown.
      const neighbour = await readFrame(atlas, {
        condition: frame.condition.key,
        layer: frame.layer.key,
        step,
      }).catch(() => null);
      if (!neighbour) continue;
      await idle();
      if (current !== frame) return;
      try {
        prepare(neighbour);
      } catch {
        // As well: a step is prepared again when it is shown.
      }
    }
  };
  return (frame) => {
    if (frame === current) return;
    current = frame;
    if (frame) void read(frame);
  };
}

/** The other steps of a condition within the budget, nearest first and later ones before earlier ones. */
export function nearestSteps({ condition, step, region, knowledge }: Frame): number[] {
  const bytes = region.all.byteLength + 3 * knowledge.byteLength;
  const distance = (other: number) => Math.abs(other - step - 0.1);
  const others = condition.steps.map((_, other) => other).filter((other) => other !== step);
  return others.sort((one, other) => distance(one) - distance(other)).slice(0, Math.floor(BUDGET / bytes));
}

function idle(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof requestIdleCallback === "function") requestIdleCallback(() => resolve(), { timeout: 1000 });
    else setTimeout(resolve, 50);
  });
}
