/** Where everything stands, and the buttons that belong to no panel. */

import { h } from "./dom";
import type { Run } from "./run";
import { download, picturePng, pictureSvg } from "./save";
import { imageOf, type Shown } from "./shown";
import type { Stage } from "./stage";
import type { View } from "./state";
import { pointLines } from "./tables";
import { zoomed } from "./camera";

export interface Layout {
  update(shown: Shown): void;
  problem(sentence: string | null): void;
  notice(kind: "webgl" | "context", on: boolean): void;
  destroy(): void;
}

export interface Actions {
  choose(changes: Partial<View>): void;
  select(ids: number[]): void;
  current(): Shown | null;
  /** The address that keeps the view, where there is one. */
  address(): string | null;
  stopPlaying(): void;
}

const NOTICES = {
  webgl: "This browser offers no WebGL2, so the points cannot be drawn. Images, curves and tables work all the same.",
  context: "The graphics card has dropped the picture. It comes back by itself when the browser allows; images, curves and tables work all the same.",
};
const THEMES = ["auto", "light", "dark"] as const;

export function layOut(root: HTMLElement, run: Run, stage: Stage, panels: HTMLElement[], actions: Actions): Layout {
  const [choosers, legend, timeline, ...others] = panels;
  const status = h("p", { class: "status", role: "status" });
  const alerts = h("div", { class: "alerts" });
  const damaged = h("p", { role: "alert", class: "notice", hidden: true });
  const help = helpDialog();
  const page = h("div", { class: "page" },
    h("header", {},
      h("h1", {}, "patternscope"),
      h("p", { class: "title", title: run.attributes.title }, run.attributes.title),
      headerButtons(root, stage, actions, help, (text) => (status.textContent = text))),
    choosers,
    legend,
    h("main", { "aria-label": "Radial space" }, alerts, damaged, stage.element, stageButtons(stage, actions), status),
    timeline,
    h("aside", { "aria-label": "Findings and images" }, ...others),
    notesOf(run),
    help);
  root.classList.add("patternscope-atlas");
  root.dataset.theme = "auto";
  root.replaceChildren(page);
  const stopKeys = listenToKeys(root, run, actions, help);
  return {
    update(shown) {
      status.textContent = statusOf(shown, stage);
      (page.querySelector(".note-condition") as HTMLElement).textContent = run.condition(shown.view.condition).note ?? "";
    },
    problem(sentence) {
      damaged.hidden = sentence === null;
      damaged.textContent = sentence === null ? "" : `${sentence} The points of this moment cannot be shown.`;
      stage.element.classList.toggle("blank", sentence !== null);
    },
    notice(kind, on) {
      alerts.replaceChildren(...(on ? [h("p", { role: "alert", class: "notice", "data-notice": kind }, NOTICES[kind])] : []));
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

function button(name: string, sign: string, act: (event: MouseEvent) => void, title = name): HTMLButtonElement {
  return h("button", { class: "tool", "aria-label": name, title, click: act }, sign);
}

function stageButtons(stage: Stage, actions: Actions): HTMLElement {
  const lasso = h("button", { class: "tool wide", "aria-pressed": "false", title: "Draw around points to choose them (L)", click: () => {
    stage.setLasso(!stage.lassoes());
    lasso.setAttribute("aria-pressed", String(stage.lassoes()));
    stage.element.classList.toggle("lassoing", stage.lassoes());
  } }, "Lasso");
  lasso.dataset.key = "l";
  const shown = h("button", { class: "tool wide", title: "Choose all points that the filter shows", click: () => {
    const visible = stage.scene()?.visible ?? new Uint8Array();
    actions.select(Array.from(visible.keys()).filter((id) => visible[id]));
  } }, "Choose shown");
  const clear = h("button", { class: "tool wide", title: "Choose nothing (Escape)", click: () => actions.select([]) }, "Clear");
  return h("div", { class: "stage-tools", role: "toolbar", "aria-label": "Tools of the space" },
    lasso, shown, clear,
    h("span", { class: "gap" }),
    button("Zoom in", "+", () => stage.move((camera) => zoomed(camera, 1.3))),
    button("Zoom out", "−", () => stage.move((camera) => zoomed(camera, 1 / 1.3))),
    h("button", { class: "tool wide", title: "The first view again (0)", click: () => actions.choose({ camera: null }) }, "Reset view"));
}

function headerButtons(root: HTMLElement, stage: Stage, actions: Actions, help: HTMLDialogElement, say: (text: string) => void): HTMLElement {
  const name = () => {
    const { view, run } = actions.current() as Shown;
    return `${run.layer(view.layer).name}-${view.condition}-${view.step}`.replace(/[^\w-]+/g, "_");
  };
  const theme = h("button", { class: "quiet", "aria-label": "Theme: auto", click: () => {
    const next = THEMES[(THEMES.indexOf(root.dataset.theme as (typeof THEMES)[number]) + 1) % THEMES.length];
    root.dataset.theme = next;
    theme.textContent = theme.ariaLabel = `Theme: ${next}`;
    stage.refresh();
  } }, "Theme: auto");
  const buttons = [
    h("button", { class: "quiet", title: "The points as shown, with the arrows, as PNG", click: () => void picturePng(stage).then((blob) => download(`${name()}.png`, [blob], "image/png")) }, "Save picture"),
    h("button", { class: "quiet", title: "The same as SVG: arrows and names stay shapes and text", click: () => download(`${name()}.svg`, [pictureSvg(stage)], "image/svg+xml") }, "Save SVG"),
    h("button", { class: "quiet", title: "All points that are shown, as CSV", click: () => {
      const shown = actions.current();
      const visible = stage.scene()?.visible;
      if (shown && visible) download(`${name()}.csv`, [`${pointLines(shown, visible).join("\n")}\n`], "text/csv");
    } }, "Save table"),
  ];
  if (actions.address())
    buttons.unshift(h("button", { class: "quiet", title: "The address keeps what you see", click: () => {
      const address = actions.address() ?? "";
      const copied = navigator.clipboard?.writeText(address) ?? Promise.reject(new Error("no clipboard"));
      copied.then(() => say("The address is copied."), () => say("The address bar holds the address of this view."));
    } }, "Copy link"));
  return h("div", { class: "actions" }, ...buttons, theme, h("button", { class: "quiet", "aria-haspopup": "dialog", title: "Keys (?)", click: () => help.showModal() }, "Keys"));
}

function helpDialog(): HTMLDialogElement {
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
  return h("dialog", { "aria-label": "Keys" }, h("h2", {}, "Keys"),
    h("dl", {}, ...rows.flatMap(([key, text]) => [h("dt", {}, key), h("dd", {}, text)])),
    h("p", {}, "Drag to turn, with shift or the right button to move, wheel to zoom; one finger turns, two move and zoom. Click a point or a region of an image to see both."),
    h("form", { method: "dialog" }, h("button", { class: "tool wide" }, "Close")));
}

function notesOf({ attributes }: Run): HTMLElement {
  const { left_out, aligned, dimensions } = attributes;
  const notes = [...left_out];
  if (!aligned) notes.push("The checkpoints are not in one frame: points do not glide from one to the next.");
  if (dimensions > 3) notes.push(`The first three of ${dimensions} dimensions are drawn; strength and probabilities use all.`);
  return h("footer", {}, h("p", { class: "note-condition" }), ...notes.map((note) => h("p", {}, note)));
}

/** Keys that work everywhere but in fields. They go no further: a notebook has other uses for them. */
function listenToKeys(root: HTMLElement, run: Run, actions: Actions, help: HTMLDialogElement): () => void {
  const react = (event: KeyboardEvent) => {
    event.stopPropagation();
    const field = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    const pressed = event.target instanceof HTMLButtonElement || (event.target as Element).tagName === "SUMMARY";
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const shown = actions.current();
    if (!shown) return;
    const by = event.key === "]" ? 1 : event.key === "[" ? -1 : 0;
    const click = (selector: string) => (root.querySelector(selector) as HTMLElement | null)?.click();
    if (event.key === "Escape") actions.select([]);
    else if (field) return;
    else if (by) {
      actions.stopPlaying();
      const steps = run.condition(shown.view.condition).steps.length;
      actions.choose({ step: Math.min(steps - 1, Math.max(0, shown.view.step + by)) });
    } else if (event.key === " " && !pressed) click(".play");
    else if (event.key.toLowerCase() === "l") click("[data-key=l]");
    else if (event.key === "?") help.showModal();
    else return;
    event.preventDefault();
  };
  root.addEventListener("keydown", react);
  return () => root.removeEventListener("keydown", react);
}
