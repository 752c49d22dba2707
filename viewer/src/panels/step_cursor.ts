/** The vertical line through the map: a slider of the steps, moved by keys or by dragging. */

import { nearestStep } from "../data/steps";
import { h } from "../dom";

/** Where the steps lie, in pixels of the map. */
export interface StepAxis {
  left: number;
  width: number;
  /** Place of each step, from 0 to 1. */
  positions: number[];
}

export interface StepCursor {
  element: HTMLElement;
  show(axis: StepAxis, step: number, text: string): void;
}

/** A slider inside `area`, the element whose pixels the axis is in. */
export function makeStepCursor(area: HTMLElement, move: (step: number) => void): StepCursor {
  const flag = h("span", { class: "flag", "aria-hidden": "true" });
  const element = h("div", { class: "cursor", role: "slider", tabindex: 0, "aria-label": "Step" }, flag);
  let axis: StepAxis = { left: 0, width: 1, positions: [0.5] };
  let step = 0;
  const go = (next: number) => {
    const clamped = Math.min(axis.positions.length - 1, Math.max(0, next));
    if (clamped !== step) move(clamped);
  };
  element.addEventListener("keydown", (event) => {
    const last = axis.positions.length - 1;
    const next = {
      ArrowLeft: step - 1,
      ArrowDown: step - 1,
      ArrowRight: step + 1,
      ArrowUp: step + 1,
      PageDown: step - 3,
      PageUp: step + 3,
      Home: 0,
      End: last,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    go(next);
  });
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    element.classList.add("dragged");
  });
  element.addEventListener("pointermove", (event) => {
    if (element.hasPointerCapture(event.pointerId)) go(stepAt(event, area, axis));
  });
  element.addEventListener("lostpointercapture", () => element.classList.remove("dragged"));
  return {
    element,
    show(next, now, text) {
      [axis, step] = [next, now];
      const count = axis.positions.length;
      element.hidden = count < 2;
      element.style.left = `${axis.left + axis.width * axis.positions[step]}px`;
      element.classList.toggle("at-start", axis.positions[step] < 0.15);
      element.classList.toggle("at-end", axis.positions[step] > 0.85);
      element.setAttribute("aria-valuemin", "0");
      element.setAttribute("aria-valuemax", String(count - 1));
      element.setAttribute("aria-valuenow", String(step));
      element.setAttribute("aria-valuetext", text);
      flag.textContent = text;
    },
  };
}

/** The step nearest to the pointer. */
export function stepAt(event: MouseEvent, area: HTMLElement, { left, width, positions }: StepAxis): number {
  const x = event.clientX - area.getBoundingClientRect().left;
  return nearestStep(positions, (x - left) / width);
}
