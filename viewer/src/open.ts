/** From bytes to a page, or to a sentence that says why not. */

import { h } from "./dom";
import { AtlasError } from "./format";
import { openRun } from "./run";
import type { Get } from "./store";
import page from "./style/page.css?inline";
import space from "./style/space.css?inline";
import findings from "./style/findings.css?inline";
import { makeViewer, type Host, type Viewer } from "./viewer";

const STYLE_ID = "patternscope-atlas-style";

/** Show an atlas in an element; the element says `data-ready` when the first picture stands, or `data-error`. */
export async function openAtlas(root: HTMLElement, get: Get, host: Host): Promise<Viewer | null> {
  if (!document.getElementById(STYLE_ID))
    document.head.append(h("style", { id: STYLE_ID }, space, findings, page));
  root.classList.add("patternscope-atlas");
  root.replaceChildren(h("p", { class: "opening", role: "status" }, "The atlas is opening …"));
  try {
    const viewer = await makeViewer(root, await openRun(get), host);
    requestAnimationFrame(() => (root.dataset.ready = "true"));
    return viewer;
  } catch (error) {
    root.dataset.error = error instanceof AtlasError ? error.kind : "damaged";
    const sentence =
      error instanceof AtlasError
        ? error.message
        : `This atlas cannot be shown: ${(error as Error).message}.`;
    root.replaceChildren(h("p", { class: "failed", role: "alert" }, sentence));
    return null;
  }
}
