/** Points that move from one step to the next. */

import type { DrawnPositions } from "../data/atlas";

const DURATION = 380;

export interface Motion {
  from: DrawnPositions;
  to: DrawnPositions;
  /** 0 at `from`, 1 at `to`. */
  morph: number;
}

export function atRest(positions: DrawnPositions): Motion {
  return { from: positions, to: positions, morph: 1 };
}

/** The factors of the integers of `from` and `to` in their sum. */
export function weightsOf({ from, to, morph }: Motion): [number, number] {
  return [(1 - morph) * from.scale, morph * to.scale];
}

/** A motion from the current positions; at rest where the number of points differs. */
export function moveTo(motion: Motion, to: DrawnPositions): Motion {
  if (motion.to.drawn.length !== to.drawn.length) return atRest(to);
  return { from: freeze(motion), to, morph: 0 };
}

/** The current positions, as integers. */
export function freeze(motion: Motion): DrawnPositions {
  const { from, to, morph } = motion;
  if (morph === 1) return to;
  const scale = Math.max(from.scale, to.scale);
  const [a, b] = weightsOf(motion).map((weight) => weight / scale);
  const drawn = new Int16Array(to.drawn.length);
  for (let index = 0; index < drawn.length; index++)
    drawn[index] = Math.round(a * from.drawn[index] + b * to.drawn[index]);
  return { drawn, scale };
}

export function positionOf(motion: Motion, id: number): [number, number, number] {
  const [a, b] = weightsOf(motion);
  const coordinate = (axis: number) =>
    a * motion.from.drawn[3 * id + axis] + b * motion.to.drawn[3 * id + axis];
  return [coordinate(0), coordinate(1), coordinate(2)];
}

/** Call `step` with a share that grows from 0 to 1, smooth at both ends; resolves at 1 or when stopped. */
export function animate(step: (share: number) => void, stopped: () => boolean): Promise<void> {
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
