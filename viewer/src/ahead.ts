/** Reading the other steps while the page has nothing to do, so that a change of step finds them decoded. */

import { loadFrame, type Frame } from "./frame";
import type { Run } from "./run";

/** Bytes of steps that are read ahead; the cache of what was read holds more. */
const ROOM = 64e6;

/** Reads the steps beside a frame, the nearest first, until it is told of another. */
export function makeReadAhead(run: Run): (frame: Frame | null) => void {
  let now: Frame | null = null;
  const read = async (frame: Frame) => {
    for (const step of nearestSteps(frame)) {
      await idle();
      if (now !== frame) return;
      // What is damaged is told of when it is shown.
      await loadFrame(run, { condition: frame.condition.key, layer: frame.layer.key, step }).catch(
        () => null,
      );
    }
  };
  return (frame) => {
    if (frame === now) return;
    now = frame;
    if (frame) void read(frame);
  };
}

/** The other steps of a condition, nearest first and later ones before earlier ones, as far as there is room. */
export function nearestSteps({ condition, step, region, knowledge }: Frame): number[] {
  const bytes = region.all.byteLength + 3 * knowledge.byteLength;
  const away = (other: number) => Math.abs(other - step - 0.1);
  const others = condition.steps.map((_, other) => other).filter((other) => other !== step);
  return others.sort((one, other) => away(one) - away(other)).slice(0, Math.floor(ROOM / bytes));
}

function idle(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof requestIdleCallback === "function") requestIdleCallback(() => resolve(), { timeout: 1000 });
    else setTimeout(resolve, 50);
  });
}
