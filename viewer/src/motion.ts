/** Points on their way from one step to the next. */

import type { Placed } from "./points";

const DURATION = 380;

export interface Motion {
  from: Placed;
  to: Placed;
  /** 0 at `from`, 1 at `to`. */
  morph: number;
}

export function still(placed: Placed): Motion {
  return { from: placed, to: placed, morph: 1 };
}

/** What the integers of `from` and `to` are multiplied by before they are added. */
export function weightsOf({ from, to, morph }: Motion): [number, number] {
  return [(1 - morph) * from.scale, morph * to.scale];
}

/** A motion from where the points are now; at once where they cannot be told to be the same points. */
export function moved(before: Motion, to: Placed): Motion {
  if (before.to.drawn.length !== to.drawn.length) return still(to);
  return { from: frozen(before), to, morph: 0 };
}

/** Where the points are now, as integers of their own. */
export function frozen(motion: Motion): Placed {
  const { from, to, morph } = motion;
  if (morph === 1) return to;
  const scale = Math.max(from.scale, to.scale);
  const [a, b] = weightsOf(motion).map((weight) => weight / scale);
  const drawn = new Int16Array(to.drawn.length);
  for (let each = 0; each < drawn.length; each++)
    drawn[each] = Math.round(a * from.drawn[each] + b * to.drawn[each]);
  return { drawn, scale };
}

export function placeOf(motion: Motion, id: number): [number, number, number] {
  const [a, b] = weightsOf(motion);
  const along = (axis: number) => a * motion.from.drawn[3 * id + axis] + b * motion.to.drawn[3 * id + axis];
  return [along(0), along(1), along(2)];
}

export function reducedMotion(): boolean {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Calls `step` with a share that grows from 0 to 1, smooth at both ends; resolves when it is at 1 or was stopped. */
export function glide(step: (share: number) => void, stopped: () => boolean): Promise<void> {
  const start = performance.now();
  return new Promise((resolve) => {
    const next = () => {
      if (stopped()) return resolve();
      const time = Math.min(1, (performance.now() - start) / DURATION);
      step(time * time * (3 - 2 * time));
      if (time < 1) requestAnimationFrame(next);
      else resolve();
    };
    requestAnimationFrame(next);
  });
}
