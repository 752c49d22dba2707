/** The layout of the page, the tools below the space, and the status line. */

import type { Atlas } from "../data/atlas";
import { h, replaceText } from "../dom";
import type { Stage } from "../space/stage";
import { zoomCamera } from "../state/camera";
import type { Snapshot } from "../state/snapshot";
import { imageOf } from "../state/view";
import { headerButtons, type Actions } from "./header_buttons";
import { helpDialog, listenToKeys } from "./shortcuts";

export interface Layout {
  update(snapshot: Snapshot): void;
  /** Show what cannot be read, or null; `blank` where the space is empty. */
  showProblem(sentence: string | null, blank: boolean): void;
  /** Show that the view is still being loaded. */
  showLoading(): void;
  showNotice(kind: "webgl" | "context", on: boolean): void;
  destroy(): void;
}

const NOTICES = {
  webgl: "This browser has no WebGL2, so the points cannot be drawn. Images, curves and tables still work.",
  context:
    "The graphics context was lost. It is restored automatically when the browser allows; images, curves and tables still work.",
};

export function makeLayout(
  root: HTMLElement,
  atlas: Atlas,
  stage: Stage,
  panels: HTMLElement[],
  actions: Actions,
): Layout {
  const [choosers, legend, timeline, ...others] = panels;
  const status = h("p", { class: "status", role: "status" });
  const note = h("p", { class: "note-condition" });
  const alerts = h("div", { class: "alerts" });
  const damaged = h("p", { role: "alert", class: "notice", hidden: true });
  const help = helpDialog();
  const page = h(
    "div",
    { class: "page" },
    h(
      "header",
      {},
      h("h1", {}, "patternscope"),
      h("p", { class: "title", title: atlas.attributes.title }, atlas.attributes.title),
      headerButtons(root, stage, actions, help, (text) => (status.textContent = text)),
    ),
    choosers,
    legend,
    h(
      "main",
      { "aria-label": "Radial space" },
      alerts,
      damaged,
      stage.element,
      stageButtons(stage, actions),
      h("div", { class: "under" }, status, note),
    ),
    timeline,
    h("aside", { "aria-label": "Findings and images" }, ...others),
    notesOf(atlas),
    help,
  );
  root.classList.add("patternscope-atlas");
  root.dataset.theme = "auto";
  root.replaceChildren(page);
  const stopKeys = listenToKeys(root, actions.address ? document : root, actions, help);
  return {
    update(snapshot) {
      replaceText(status, statusOf(snapshot, stage));
      note.textContent = note.title = atlas.condition(snapshot.view.condition).note ?? "";
    },
    showProblem(sentence, blank) {
      damaged.hidden = sentence === null;
      damaged.textContent = sentence ?? "";
      stage.element.classList.toggle("blank", blank);
      for (const button of root.querySelectorAll<HTMLButtonElement>(".saves")) button.disabled = blank;
    },
    showLoading() {
      status.textContent = "Loading …";
    },
    showNotice(kind, on) {
      alerts.replaceChildren(
        ...(on ? [h("p", { role: "alert", class: "notice", "data-notice": kind }, NOTICES[kind])] : []),
      );
      if (on) root.dataset.notice = kind;
      else delete root.dataset.notice;
    },
    destroy: stopKeys,
  };
}

function statusOf({ atlas, view, frame }: Snapshot, stage: Stage): string {
  const visible = stage.scene()?.visible;
  if (!visible || !frame) return "";
  let count = 0;
  for (const bit of visible) count += bit;
  const kind = view.space === "regions" ? "regions" : "images";
  const all = `${count.toLocaleString("en")} of ${visible.length.toLocaleString("en")} ${kind} visible`;
  if (view.selection.length < 2) return all;
  const images = new Set(view.selection.map((id) => imageOf({ atlas, view }, id))).size;
  return `${all} · ${view.selection.length.toLocaleString("en")} selected, in ${images.toLocaleString("en")} image${images > 1 ? "s" : ""}`;
}

function makeButton(
  name: string,
  sign: string,
  act: (event: MouseEvent) => void,
  title = name,
): HTMLButtonElement {
  return h("button", { class: "tool", "aria-label": name, title, click: act }, sign);
}

function stageButtons(stage: Stage, actions: Actions): HTMLElement {
  const lasso = h(
    "button",
    {
      class: "tool wide",
      "aria-pressed": "false",
      title: "Draw around points to select them (L)",
      click: () => {
        stage.setLasso(!stage.lassoIsOn());
        lasso.setAttribute("aria-pressed", String(stage.lassoIsOn()));
        stage.element.classList.toggle("lassoing", stage.lassoIsOn());
      },
    },
    "Lasso",
  );
  lasso.dataset.key = "l";
  const selectVisible = h(
    "button",
    {
      class: "tool wide",
      title: "Select all points that pass the filter",
      click: () => {
        const visible = stage.scene()?.visible ?? new Uint8Array();
        actions.select(Array.from(visible.keys()).filter((id) => visible[id]));
      },
    },
    "Select visible",
  );
  const clear = h(
    "button",
    { class: "tool wide", title: "Clear the selection (Escape)", click: () => actions.select([]) },
    "Clear",
  );
  return h(
    "div",
    { class: "stage-tools", role: "toolbar", "aria-label": "Tools of the radial space" },
    lasso,
    selectVisible,
    clear,
    h("span", { class: "gap" }),
    makeButton("Zoom in", "+", () => stage.move((camera) => zoomCamera(camera, 1.3))),
    makeButton("Zoom out", "−", () => stage.move((camera) => zoomCamera(camera, 1 / 1.3))),
    h(
      "button",
      {
        class: "tool wide",
        title: "Return to the initial view (0)",
        click: () => actions.change({ camera: null }),
      },
      "Reset view",
    ),
  );
}

function notesOf({ attributes }: Atlas): HTMLElement {
  const { left_out, aligned, dimensions, shown_share: share } = attributes;
  const notes = [...left_out];
  if (!aligned)
    notes.push(
      "The checkpoints are not aligned to each other: points do not move smoothly from one to the next.",
    );
  if (typeof share === "number")
    notes.push(
      `Shown: 3 of ${dimensions} dimensions, ${Math.round(100 * share)} % of what separates the classes. Strength and probabilities use all.`,
    );
  else if (dimensions > 3)
    notes.push(`The first three of ${dimensions} dimensions are drawn; strength and probabilities use all.`);
  return h("footer", {}, ...notes.map((note) => h("p", {}, note)));
}
