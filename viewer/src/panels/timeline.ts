/** The timeline below the space: play, the slider of steps, and the current step. */

import type { Condition } from "../data/format";
import { h, reducedMotion, replaceText } from "../dom";
import type { Snapshot } from "../state/snapshot";
import type { Changes, View } from "../state/view";
import { axisLabels, stepLabel } from "./formatting";
import type { Panel } from "./panel";

/** Milliseconds per step while playing. */
const PAUSE = 650;

export function makeTimeline(
  change: (changes: Changes) => Promise<void>,
  currentView: () => View,
): Panel & { stop(): void } {
  const play = h("button", { class: "play", "aria-label": "Play", title: "Play (space)" }, "▶");
  const slider = h("input", { type: "range", min: 0, step: 1, "aria-label": "Step" });
  const marks = h("div", { class: "marks", "aria-hidden": "true" });
  const now = h("output", { class: "now", "aria-live": "polite" });
  let last: Snapshot | null = null;
  let marked: Condition | null = null;
  let playing = 0;
  /** Where playing is; null while paused. */
  let position: Pick<View, "condition" | "step"> | null = null;
  const stop = () => {
    playing++;
    position = null;
    showPlaying(false);
  };
  /** Playing stops when the view goes elsewhere. */
  const stopIfMoved = () => {
    const { condition, step } = currentView();
    if (position && (position.step !== step || position.condition !== condition)) stop();
  };
  const showPlaying = (on: boolean) => {
    play.textContent = on ? "❚❚" : "▶";
    play.setAttribute("aria-label", on ? "Pause" : "Play");
    play.title = on ? "Pause (space)" : "Play (space)";
  };
  const start = async () => {
    if (!last) return;
    const own = ++playing;
    showPlaying(true);
    const { condition, step: first } = currentView();
    const steps = last.atlas.condition(condition).steps.length;
    let step = first >= steps - 1 ? -1 : first;
    while (own === playing && ++step < steps) {
      position = { condition, step };
      await change({ step });
      await new Promise((resolve) => setTimeout(resolve, reducedMotion() ? 2 * PAUSE : PAUSE));
      stopIfMoved();
    }
    if (own === playing) stop();
  };
  play.addEventListener("click", () => (play.getAttribute("aria-label") === "Play" ? void start() : stop()));
  slider.addEventListener("input", () => void change({ step: Number(slider.value) }));
  return {
    element: h("div", { class: "timeline" }, play, h("div", { class: "track" }, slider, marks), now),
    stop,
    update(snapshot) {
      stopIfMoved();
      last = snapshot;
      const { atlas, view } = snapshot;
      const condition = atlas.condition(view.condition);
      const count = condition.steps.length;
      slider.max = String(count - 1);
      slider.value = String(view.step);
      slider.disabled = play.disabled = count < 2;
      slider.setAttribute("aria-valuetext", stepLabel(condition, view.step));
      if (marked !== condition) marks.replaceChildren(...axisMarks(count, axisLabels(condition)));
      marked = condition;
      const { accuracy, residual, angle } = condition.steps[view.step];
      replaceText(
        now,
        h("b", {}, stepLabel(condition, view.step)),
        h("span", {}, accuracy === null ? "" : `accuracy ${(100 * accuracy).toFixed(1)} %`),
        h(
          "span",
          { title: "Alignment to the previous checkpoint: residual and remaining rotation" },
          residual === null || angle === null ? "" : `residual ${residual.toFixed(2)}, ${angle.toFixed(1)}°`,
        ),
      );
    },
  };
}

/** One mark per step; with many steps only some have a label. */
function axisMarks(count: number, label: (step: number) => string): HTMLElement[] {
  if (count < 2) return [];
  const stride = Math.ceil(count / 9);
  return Array.from({ length: count }, (_, step) => {
    const labelled = step === count - 1 || (step % stride === 0 && count - 1 - step >= stride / 2);
    return h("span", { style: `left:${(100 * step) / (count - 1)}%` }, labelled && label(step));
  });
}
