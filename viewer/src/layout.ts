/** Where everything stands, the tools below the space, and what is said of it. */

import { headerButtons, type Actions } from "./actions";
import { h, rewrite } from "./dom";
import { helpDialog, listenToKeys } from "./keys";
import type { Run } from "./run";
import type { Shown } from "./shown";
import { imageOf } from "./state";
import type { Stage } from "./stage";
import { zoomed } from "./camera";

export interface Layout {
  update(shown: Shown): void;
  /** Say what cannot be read, or nothing; `blank` where the space has nothing to show. */
  problem(sentence: string | null, blank: boolean): void;
  /** Say that what was chosen is still being read. */
  waits(): void;
  notice(kind: "webgl" | "context", on: boolean): void;
  destroy(): void;
}

const NOTICES = {
  webgl:
    "This browser offers no WebGL2, so the points cannot be drawn. Images, curves and tables work all the same.",
  context:
    "The graphics card has dropped the picture. It comes back by itself when the browser allows; images, curves and tables work all the same.",
};

export function layOut(
  root: HTMLElement,
  run: Run,
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
      h("p", { class: "title", title: run.attributes.title }, run.attributes.title),
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
    notesOf(run),
    help,
  );
  root.classList.add("patternscope-atlas");
  root.dataset.theme = "auto";
  root.replaceChildren(page);
  const stopKeys = listenToKeys(root, actions.address ? document : root, actions, help);
  return {
    update(shown) {
      rewrite(status, statusOf(shown, stage));
      note.textContent = note.title = run.condition(shown.view.condition).note ?? "";
    },
    problem(sentence, blank) {
      damaged.hidden = sentence === null;
      damaged.textContent = sentence ?? "";
      stage.element.classList.toggle("blank", blank);
      for (const each of root.querySelectorAll<HTMLButtonElement>(".saves")) each.disabled = blank;
    },
    waits() {
      status.textContent = "Reading what you chose …";
    },
    notice(kind, on) {
      alerts.replaceChildren(
        ...(on ? [h("p", { role: "alert", class: "notice", "data-notice": kind }, NOTICES[kind])] : []),
      );
      if (on) root.dataset.notice = kind;
      else delete root.dataset.notice;
    },
    destroy: stopKeys,
  };
}

function statusOf({ run, view, frame }: Shown, stage: Stage): string {
  const visible = stage.scene()?.visible;
  if (!visible || !frame) return "";
  let shown = 0;
  for (const each of visible) shown += each;
  const kind = view.space === "regions" ? "regions" : "images";
  const all = `${shown.toLocaleString("en")} of ${visible.length.toLocaleString("en")} ${kind} shown`;
  if (view.selection.length < 2) return all;
  const images = new Set(view.selection.map((id) => imageOf({ run, view }, id))).size;
  return `${all} · ${view.selection.length.toLocaleString("en")} chosen, in ${images.toLocaleString("en")} image${images > 1 ? "s" : ""}`;
}

function button(
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
      title: "Draw around points to choose them (L)",
      click: () => {
        stage.setLasso(!stage.lassoes());
        lasso.setAttribute("aria-pressed", String(stage.lassoes()));
        stage.element.classList.toggle("lassoing", stage.lassoes());
      },
    },
    "Lasso",
  );
  lasso.dataset.key = "l";
  const shown = h(
    "button",
    {
      class: "tool wide",
      title: "Choose all points that the filter shows",
      click: () => {
        const visible = stage.scene()?.visible ?? new Uint8Array();
        actions.select(Array.from(visible.keys()).filter((id) => visible[id]));
      },
    },
    "Choose shown",
  );
  const clear = h(
    "button",
    { class: "tool wide", title: "Choose nothing (Escape)", click: () => actions.select([]) },
    "Clear",
  );
  return h(
    "div",
    { class: "stage-tools", role: "toolbar", "aria-label": "Tools of the space" },
    lasso,
    shown,
    clear,
    h("span", { class: "gap" }),
    button("Zoom in", "+", () => stage.move((camera) => zoomed(camera, 1.3))),
    button("Zoom out", "−", () => stage.move((camera) => zoomed(camera, 1 / 1.3))),
    h(
      "button",
      {
        class: "tool wide",
        title: "The first view again (0)",
        click: () => actions.choose({ camera: null }),
      },
      "Reset view",
    ),
  );
}

function notesOf({ attributes }: Run): HTMLElement {
  const { left_out, aligned, dimensions } = attributes;
  const notes = [...left_out];
  if (!aligned) notes.push("The checkpoints are not in one frame: points do not glide from one to the next.");
  if (dimensions > 3)
    notes.push(`The first three of ${dimensions} dimensions are drawn; strength and probabilities use all.`);
  return h("footer", {}, ...notes.map((note) => h("p", {}, note)));
}
