/** Keyboard shortcuts of the whole page, and the dialog that lists all keys. */

import { h } from "../dom";
import type { Actions } from "./actions";

export function helpDialog(): HTMLDialogElement {
  const rows: [string, string][] = [
    ["space", "play or pause"],
    ["[ and ]", "previous step, next step"],
    ["L", "lasso on or off"],
    ["Escape", "clear the selection"],
    ["?", "show this list"],
    ["arrows", "in the space: rotate, with Shift pan; on the image: select another region"],
    ["+ − 0", "in the space: zoom in, zoom out, reset the view"],
    ["N and B", "in the space: next point, previous point"],
  ];
  return h(
    "dialog",
    { "aria-label": "Keys" },
    h("h2", {}, "Keys"),
    h("dl", {}, ...rows.flatMap(([key, text]) => [h("dt", {}, key), h("dd", {}, text)])),
    h(
      "p",
      {},
      "Drag to rotate, with Shift or the right button to pan; scroll to zoom. One finger rotates, two fingers pan and zoom. Click a point or a region of an image to select both.",
    ),
    h("form", { method: "dialog" }, h("button", { class: "tool wide" }, "Close")),
  );
}

/** Listen for shortcuts outside fields: on the whole page, or in a notebook within the viewer alone. */
export function listenToKeys(
  root: HTMLElement,
  target: HTMLElement | Document,
  actions: Actions,
  dialogs: { reading: HTMLDialogElement; keys: HTMLDialogElement },
): () => void {
  const react = (event: KeyboardEvent) => {
    event.stopPropagation();
    const field = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    const typing = event.target instanceof HTMLInputElement && event.target.type === "text";
    const onButton =
      event.target instanceof HTMLButtonElement || (event.target as Element).tagName === "SUMMARY";
    const by = event.key === "]" ? 1 : event.key === "[" ? -1 : 0;
    // On many keyboards brackets need Alt, or Alt and Ctrl.
    const unmodified =
      by && event.altKey ? !event.metaKey : !(event.ctrlKey || event.metaKey || event.altKey);
    if (!unmodified || dialogs.keys.open || dialogs.reading.open) return;
    const click = (selector: string) => (root.querySelector(selector) as HTMLElement | null)?.click();
    if (event.key === "Escape" && !typing) actions.select([]);
    else if (field && !(by && event.target instanceof HTMLSelectElement)) return;
    else if (by) {
      actions.change(({ step }) => ({ step: step + by }));
    } else if (event.key === " " && !onButton) click(".play");
    else if (event.key.toLowerCase() === "l") click("[data-key=l]");
    else if (event.key === "?") dialogs.keys.showModal();
    else return;
    event.preventDefault();
  };
  target.addEventListener("keydown", react as EventListener);
  return () => target.removeEventListener("keydown", react as EventListener);
}
