import { h } from "../dom";
import type { Snapshot } from "../state/snapshot";

/** A part of the page that redraws itself from a snapshot. */
export interface Panel {
  element: HTMLElement;
  update(snapshot: Snapshot): void;
}

/** A place on the page where a part will be. */
export function emptyPanel(name: string): Panel {
  return { element: h("div", { class: "empty", "data-part": name }), update() {} };
}
