/** Playing through the steps of a condition. */

import { h, reducedMotion } from "../dom";
import type { Snapshot } from "../state/snapshot";
import type { Changes, View } from "../state/view";

/** Milliseconds per step while playing. */
const PAUSE = 650;

export interface Player {
  button: HTMLButtonElement;
  /** Stop where the view has gone elsewhere. */
  update(snapshot: Snapshot): void;
  stop(): void;
}

export function makePlayer(change: (changes: Changes) => Promise<void>, currentView: () => View): Player {
  const button = h("button", { class: "play" });
  let last: Snapshot | null = null;
  let playing = 0;
  /** Where playing is; null while paused. */
  let position: Pick<View, "condition" | "step"> | null = null;
  const showPlaying = (on: boolean) => {
    button.textContent = on ? "❚❚" : "▶";
    button.setAttribute("aria-label", on ? "Pause" : "Play");
    button.title = on ? "Pause (space)" : "Play (space)";
  };
  const stop = () => {
    playing++;
    position = null;
    showPlaying(false);
  };
  const stopIfMoved = () => {
    const { condition, step } = currentView();
    if (position && (position.step !== step || position.condition !== condition)) stop();
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
  button.addEventListener("click", () => (position ? stop() : void start()));
  showPlaying(false);
  return {
    button,
    update(snapshot) {
      stopIfMoved();
      last = snapshot;
      button.disabled = snapshot.atlas.condition(snapshot.view.condition).steps.length < 2;
    },
    stop,
  };
}
