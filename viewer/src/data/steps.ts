/** Steps of a condition on an axis, and the gaps between them. */

import type { Condition, Step } from "./format";

/**
 * Residual of the alignment above which two checkpoints are not one motion of the same points: their embeddings differ
 * by more than a quarter of their variance.
 */
export const LARGEST_RESIDUAL = 0.5;

/** Whether a step cannot be reached from the one before by a motion. */
export function isGap({ residual }: Step): boolean {
  return residual !== null && residual > LARGEST_RESIDUAL;
}

/** Place of each step on an axis from 0 to 1: by its number, or evenly where numbers are missing or do not rise. */
export function stepPositions({ steps }: Pick<Condition, "steps">): number[] {
  if (steps.length < 2) return steps.map(() => 0.5);
  const numbers = steps.map(({ number }) => number ?? Number.NaN);
  const rising = numbers.every((value, index) => index === 0 || value > numbers[index - 1]);
  const values = rising ? numbers : steps.map((_, index) => index);
  const [first, last] = [values[0], values[values.length - 1]];
  return values.map((value) => (value - first) / (last - first));
}

/** The step nearest to a place on the axis. */
export function nearestStep(positions: number[], place: number): number {
  const distance = (step: number) => Math.abs(positions[step] - place);
  return positions.reduce((best, _, step) => (distance(step) < distance(best) ? step : best), 0);
}
