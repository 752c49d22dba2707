/** From bytes to a page, or to a sentence with the reason why not. */

import { readAtlas } from "../data/atlas";
import { AtlasError } from "../data/format";
import type { Get } from "../data/store";
import { h } from "../dom";
import { makeViewer, type Host, type Viewer } from "./viewer";
import page from "./page.css?inline";
import space from "../space/space.css?inline";
import panels from "../panels/panels.css?inline";
import map from "../panels/map.css?inline";
import facets from "../panels/facets.css?inline";
import ledger from "../panels/ledger.css?inline";
import look from "../panels/look.css?inline";
import patterns from "../panels/patterns.css?inline";
import strip from "../panels/strip.css?inline";

const STYLE_ID = "patternscope-atlas-style";

/** Show an atlas in an element, which gets `data-ready` after the first draw, or `data-error`. */
export async function showAtlas(root: HTMLElement, get: Get, host: Host): Promise<Viewer | null> {
  if (!document.getElementById(STYLE_ID))
    document.head.append(
      h("style", { id: STYLE_ID }, space, panels, map, strip, facets, ledger, patterns, look, page),
    );
  root.classList.add("patternscope-atlas");
  root.replaceChildren(h("p", { class: "opening", role: "status" }, "Opening the atlas …"));
  try {
    const viewer = await makeViewer(root, await readAtlas(get), host);
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
