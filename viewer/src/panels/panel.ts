import type { Snapshot } from "../state/snapshot";

/** A part of the page that redraws itself from a snapshot. */
export interface Panel {
  element: HTMLElement;
  update(snapshot: Snapshot): void;
}
