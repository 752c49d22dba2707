/** What the buttons and keys of the page can do. */

import type { ChangeView, Snapshot } from "../state/snapshot";

export interface Actions {
  change: ChangeView;
  select(ids: number[]): void;
  current(): Snapshot | null;
  /** The address with the view; null in a notebook. */
  address: (() => string) | null;
  /** Say something in the status line. */
  announce(text: string): void;
}
