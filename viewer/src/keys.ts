/** Keys that work everywhere on the page, and the dialog that lists all keys. */

import type { Actions } from "./actions";
import { h } from "./dom";

export function helpDialog(): HTMLDialogElement {
  const rows: [string, string][] = [
    ["space", "play or pause"],
    ["[ and ]", "one step back, one step on"],
    ["L", "lasso on or off"],
    ["Escape", "choose nothing"],
    ["?", "these keys"],
    ["arrows", "in the space: turn it; with shift: move it; on the image: another region"],
    ["+ − 0", "in the space: zoom, first view"],
    ["N and B", "in the space: next and previous point"],
  ];
  return h(
    "dialog",
    { "aria-label": "Keys" },
    h("h2", {}, "Keys"),
    h("dl", {}, ...rows.flatMap(([key, text]) => [h("dt", {}, key), h("dd", {}, text)])),
    h(
      "p",
      {},
      "Drag to turn, with shift or the right button to move, wheel to zoom; one finger turns, two move and zoom. Click a point or a region of an image to see both.",
    ),
    h("form", { method: "dialog" }, h("button", { class: "tool wide" }, "Close")),
  );
}

/** Keys that work everywhere but in fields: on the page that is ours, in the viewer in a notebook, which has other uses for them. */
export function listenToKeys(
  root: HTMLElement,
  listened: HTMLElement | Document,
  actions: Actions,
  help: HTMLDialogElement,
): () => void {
  const react = (event: KeyboardEvent) => {
    event.stopPropagation();
    const field = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    const typing = event.target instanceof HTMLInputElement && event.target.type === "text";
    const pressed =
      event.target instanceof HTMLButtonElement || (event.target as Element).tagName === "SUMMARY";
    const by = event.key === "]" ? 1 : event.key === "[" ? -1 : 0;
    // Many keyboards write brackets with Alt, or with Alt and Ctrl.
    const free = by && event.altKey ? !event.metaKey : !(event.ctrlKey || event.metaKey || event.altKey);
    if (!free || help.open) return;
    const click = (selector: string) => (root.querySelector(selector) as HTMLElement | null)?.click();
    if (event.key === "Escape" && !typing) actions.select([]);
    else if (field) return;
    else if (by) {
      actions.choose(({ step }) => ({ step: step + by }));
    } else if (event.key === " " && !pressed) click(".play");
    else if (event.key.toLowerCase() === "l") click("[data-key=l]");
    else if (event.key === "?") help.showModal();
    else return;
    event.preventDefault();
  };
  listened.addEventListener("keydown", react as EventListener);
  return () => listened.removeEventListener("keydown", react as EventListener);
}
