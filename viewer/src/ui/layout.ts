/** The layout of the page: finding, map of the training, one image, confusions and space, tables. */

import type { Atlas } from "../data/atlas";
import { h, replaceText } from "../dom";
import type { Panel } from "../panels/panel";
import { offersPatterns } from "../data/patterns";
import { tabs } from "../panels/tabs";
import type { Stage } from "../space/stage";
import type { Snapshot } from "../state/snapshot";
import { TABS, type TabName } from "../state/view";
import type { Actions } from "./actions";
import { makeHeader } from "./header";
import { makeRail } from "./rail";
import { readingDialog } from "./reading";
import { helpDialog, listenToKeys } from "./shortcuts";
import { countVisible, spaceTools } from "./space_tools";
import { readStory } from "../panels/story";

/** The parts of the page, by their places. */
export interface Parts {
  /** Emergence over layers and training, with the slider of steps. */
  map: Panel;
  /** Replaces the map's rows for an attack or a student. */
  comparison: Panel;
  /** What is shown, in all parts: condition, layer, colour, filter. */
  choosers: Panel;
  /** One image through depth and training, and large. */
  strip: Panel;
  image: Panel;
  confusions: Panel;
  /** What became of the knowledge points since an earlier step. */
  ledger: Panel;
  /** The patterns of a class in the layer, if the study has any. */
  patterns: Panel;
  /** Classes and colours, next to the space. */
  legend: Panel;
  /** Emergence of the classes in the layer. */
  classes: Panel;
  tables: Panel;
}

export interface Layout {
  update(snapshot: Snapshot): void;
  /** Show what cannot be read, or null; `blank` where the space is empty. */
  showProblem(sentence: string | null, blank: boolean): void;
  /** Show that the view is still being loaded. */
  showLoading(): void;
  /** Say that the context of the GPU is lost. */
  showLost(gone: boolean): void;
  destroy(): void;
}

const LOST =
  "The graphics context was lost. It is restored automatically when the browser allows; images, curves and tables still work.";

const TAB_NAMES: Record<TabName, string> = {
  confusions: "Confusions",
  space: "Space",
  ledger: "Ledger",
  patterns: "Patterns",
};

export function makeLayout(
  root: HTMLElement,
  atlas: Atlas,
  stage: Stage,
  parts: Parts,
  actions: Omit<Actions, "announce">,
): Layout {
  const status = h("p", { class: "status", role: "status" });
  const note = h("p", { class: "note-condition" });
  const alerts = h("div", { class: "alerts" });
  const damaged = h("p", { role: "alert", class: "notice", hidden: true });
  const own: Actions = { ...actions, announce: (text) => (status.textContent = text) };
  const dialogs = { reading: readingDialog(), keys: helpDialog() };
  const header = makeHeader(root, atlas, stage, own, dialogs);
  const rail = makeRail(own);
  const space = h(
    "div",
    { class: "space" },
    parts.legend.element,
    h("div", { class: "space-main" }, stage.element, spaceTools(stage, own)),
  );
  const choice = tabs(
    "Regions",
    [
      { name: TAB_NAMES.confusions, element: parts.confusions.element },
      { name: TAB_NAMES.space, element: space },
      { name: TAB_NAMES.ledger, element: parts.ledger.element },
      ...(offersPatterns(atlas) ? [{ name: TAB_NAMES.patterns, element: parts.patterns.element }] : []),
    ],
    (name) => own.change({ tab: TABS.find((tab) => TAB_NAMES[tab] === name) ?? "space" }),
  );
  const main = h(
    "main",
    {},
    alerts,
    damaged,
    h(
      "section",
      { class: "map-place", "aria-label": "Emergence" },
      parts.map.element,
      parts.comparison.element,
    ),
    parts.choosers.element,
    h("section", { class: "one-image", "aria-label": "One image" }, parts.strip.element, parts.image.element),
    h(
      "section",
      { class: "regions", "aria-label": "Confusions, space, ledger and patterns" },
      choice.element,
      h("div", { class: "under" }, status, note),
    ),
    h(
      "section",
      { class: "more", "aria-label": "Classes and tables" },
      parts.classes.element,
      parts.tables.element,
    ),
  );
  const page = h(
    "div",
    { class: "page" },
    header.element,
    header.actions,
    rail.element,
    main,
    notesOf(atlas),
    dialogs.reading,
    dialogs.keys,
  );
  root.classList.add("patternscope-atlas");
  root.dataset.theme = "auto";
  root.replaceChildren(page);
  const stopKeys = listenToKeys(root, actions.address ? document : root, own, dialogs);
  void readStory(atlas).then((story) => {
    header.setTitle(story.title);
    rail.show(story.links);
  });
  return {
    update(snapshot) {
      const { view } = snapshot;
      replaceText(status, countVisible(snapshot, stage));
      note.textContent = note.title = atlas.condition(view.condition).note ?? "";
      choice.choose(TAB_NAMES[view.tab]);
      const training = atlas.condition(view.condition).kind === "training";
      parts.comparison.element.hidden = training;
      parts.classes.element.hidden = !training;
      rail.update(snapshot);
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
    showLost(gone) {
      const notice = h("p", { role: "alert", class: "notice", "data-notice": "context" }, LOST);
      alerts.replaceChildren(...(gone ? [notice] : []));
      if (gone) root.dataset.notice = "context";
      else delete root.dataset.notice;
    },
    destroy: stopKeys,
  };
}

function notesOf({ attributes }: Atlas): HTMLElement {
  const { left_out, aligned } = attributes;
  const notes = [...left_out];
  if (!aligned)
    notes.push(
      "The checkpoints are not aligned to each other: points do not move smoothly from one to the next.",
    );
  return h("footer", {}, ...notes.map((note) => h("p", {}, note)));
}
