/** What every part of the page is given to show. */

import type { Mark } from "./colours";
import { decisiveRegion } from "./findings";
import type { Condition } from "./format";
import type { Frame } from "./frame";
import type { Pictures } from "./pictures";
import type { Run } from "./run";
import { samePlace, type Changes, type View } from "./state";

export interface Shown {
  run: Run;
  view: View;
  marks: Mark[];
  /** Nothing where its arrays are damaged; the sentence then says so. */
  frame: Frame | null;
  problem: string | null;
  /** How far the space reaches. */
  reach: number;
  /** What the frame is compared with: the clean images of an attack, the network at the end of training for another model. */
  reference: Frame | null;
  clean: Pictures;
  /** The images after an attack, where they are stored. */
  attacked: Pictures | null;
}

export type Change = (changes: Changes) => void;

/** Choosing a region as it is drawn: the one at the same place, where another layer is chosen by now. */
export function choosingRegion({ run, view: drawn }: Shown, image: number, region: number): Changes {
  const from = run.grid(drawn.condition, drawn.layer);
  const id = image * from[0] * from[1] + region;
  return ({ condition, layer }) => ({
    space: "regions",
    image,
    selection: [samePlace(id, from, run.grid(condition, layer))],
  });
}

/** A part of the page. */
export interface Panel {
  element: HTMLElement;
  update(shown: Shown): void;
}

export function stepLabel({ steps }: Condition, step: number): string {
  return steps[step].label;
}

/** Short name of a step for an axis. */
export function stepMark({ steps }: Condition, step: number): string {
  const { number, label } = steps[step];
  return number === null ? label : number.toLocaleString("en");
}

/** Names of the steps of a condition, for an axis. */
export function stepMarks(condition: Condition): (step: number) => string {
  return (step) => (condition.steps[step] ? stepMark(condition, step) : "");
}

/** The one chosen region of the image that is shown, if there is one. */
export function chosenRegion({ view, run }: Pick<Shown, "view" | "run">): number | null {
  if (view.space !== "regions" || view.selection.length !== 1) return null;
  const [rows, columns] = run.grid(view.condition, view.layer);
  const [id] = view.selection;
  return Math.floor(id / (rows * columns)) === view.image ? id % (rows * columns) : null;
}

/**
 * The region that is told about: the chosen one, or else the one that speaks most for the network's decision; in a
 * comparison, for the decision before, so that it can be seen what became of it.
 */
export function focusRegion(shown: Shown): number | null {
  const chosen = chosenRegion(shown);
  if (chosen !== null || !shown.frame) return chosen;
  const { run, frame, reference, view } = shown;
  const of = reference?.regions === frame.regions ? reference : frame;
  return decisiveRegion(run, of, view.image, of.predictions[view.image]);
}
