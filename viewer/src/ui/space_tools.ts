/** The space with its tools and what is visible of it. */

import { h } from "../dom";
import type { Stage } from "../space/stage";
import { zoomCamera } from "../state/camera";
import type { Snapshot } from "../state/snapshot";
import { imageOf } from "../state/view";
import type { Actions } from "./actions";

/** The tools below the space. */
export function spaceTools(stage: Stage, actions: Actions): HTMLElement {
  const lasso = tool("Lasso", "Draw around points to select them (L)", () => {
    stage.setLasso(!stage.lassoIsOn());
    lasso.setAttribute("aria-pressed", String(stage.lassoIsOn()));
    stage.element.classList.toggle("lassoing", stage.lassoIsOn());
  });
  lasso.setAttribute("aria-pressed", "false");
  lasso.dataset.key = "l";
  const density = tool(
    "Density",
    "Contours of the density of points: where most points of a colour are",
    () => {
      const on = density.getAttribute("aria-pressed") !== "true";
      density.setAttribute("aria-pressed", String(on));
      stage.setDensity(on);
    },
  );
  density.setAttribute("aria-pressed", "false");
  const zoom = (by: number) => () => stage.move((camera) => zoomCamera(camera, by));
  return h(
    "div",
    { class: "stage-tools", role: "toolbar", "aria-label": "Tools of the radial space" },
    lasso,
    tool("Select visible", "Select all points that pass the filter", () => selectVisible(stage, actions)),
    tool("Clear", "Clear the selection (Escape)", () => actions.select([])),
    density,
    h("span", { class: "gap" }),
    signTool("Zoom in", "+", zoom(1.3)),
    signTool("Zoom out", "−", zoom(1 / 1.3)),
    tool("Reset view", "Return to the initial view (0)", () => actions.change({ camera: null })),
  );
}

/** Select the points that pass the filter: an alternative to the lasso without a pointer. */
function selectVisible(stage: Stage, actions: Actions): void {
  const visible = stage.scene()?.visible ?? new Uint8Array();
  actions.select(Array.from(visible.keys()).filter((id) => visible[id]));
}

function tool(name: string, title: string, act: () => void): HTMLButtonElement {
  return h("button", { class: "tool wide", title, click: act }, name);
}

function signTool(name: string, sign: string, act: () => void): HTMLButtonElement {
  return h("button", { class: "tool", "aria-label": name, title: name, click: act }, sign);
}

/** How many points are visible and selected, as a sentence. */
export function countVisible({ atlas, view, frame }: Snapshot, stage: Stage): string {
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
