/** Points and arrows that move from one step to the next. */

const DURATION = 380;

/** What is drawn of a pane, three coordinates each: its points, and the tips of its arrows. */
export interface Drawn {
  points: Float32Array;
  tips: Float32Array;
}

export interface Motion {
  from: Drawn;
  to: Drawn;
  /** 0 at `from`, 1 at `to`. */
  morph: number;
}

export function atRest(drawn: Drawn): Motion {
  return { from: drawn, to: drawn, morph: 1 };
}

/** The factors of `from` and `to` in their sum. */
export function weightsOf({ morph }: Motion): [number, number] {
  return [1 - morph, morph];
}

/** A motion from what is drawn now; at rest where the number of points differs. */
export function moveTo(motion: Motion, to: Drawn): Motion {
  if (motion.to.points.length !== to.points.length) return atRest(to);
  return { from: freeze(motion), to, morph: 0 };
}

/** What is drawn now. */
export function freeze(motion: Motion): Drawn {
  if (motion.morph === 1) return motion.to;
  const [a, b] = weightsOf(motion);
  const mixed = (from: Float32Array, to: Float32Array) =>
    to.map((value, index) => a * from[index] + b * value);
  return {
    points: mixed(motion.from.points, motion.to.points),
    tips: mixed(motion.from.tips, motion.to.tips),
  };
}

export function positionOf(motion: Motion, id: number): [number, number, number] {
  return placeAt(motion, "points", id);
}

export function tipOf(motion: Motion, label: number): [number, number, number] {
  return placeAt(motion, "tips", label);
}

function placeAt(motion: Motion, kind: keyof Drawn, index: number): [number, number, number] {
  const [a, b] = weightsOf(motion);
  const [from, to] = [motion.from[kind], motion.to[kind]];
  const coordinate = (axis: number) => a * from[3 * index + axis] + b * to[3 * index + axis];
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
