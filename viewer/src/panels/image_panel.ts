/** The image in view: large, with its regions and what they predict. */

import type { Frame } from "../data/frame";
import type { Thumbnails } from "../data/thumbnails";
import { h } from "../dom";
import {
  focusedRegion,
  highlightedIn,
  selectedRegion,
  selectRegion,
  type ChangeView,
  type Snapshot,
} from "../state/snapshot";
import { stepLabel } from "./formatting";
import { makeGallery } from "./gallery";
import { makeImageSearch } from "./image_search";
import type { Panel } from "./panel";
import { makePicture, regionUnder, type Importance } from "./picture";
import { makeRegionFacts } from "./region_facts";
import { imageSentences } from "./sentences";

/** Pixels of the longer side of the image. */
const SIZE = 204;

export function makeImagePanel(change: ChangeView): Panel {
  const gallery = makeGallery(change);
  const search = makeImageSearch(change);
  const facts = makeRegionFacts(change);
  const board = makeBoard(change);
  const importance = h("input", { type: "checkbox" });
  const importanceBox = h("label", { class: "check" }, importance, "Importance");
  importance.addEventListener("change", () => change({ importance: importance.checked }));
  const sentence = h("p", { class: "finding" });
  const key = h(
    "p",
    { class: "key" },
    h(
      "span",
      { class: "key-item" },
      h("span", { class: "swatch-box reliable" }),
      "reliable: predicts the true class",
    ),
    h("span", { class: "key-item" }, h("span", { class: "swatch-box unreliable" }), "unreliable"),
  );
  const refits = h("span", {});
  const stability = h(
    "span",
    { class: "key-item" },
    h("span", { class: "swatch-box thin" }),
    "in few,",
    h("span", { class: "swatch-box reliable" }),
    refits,
  );
  key.append(stability);
  const body = h(
    "div",
    { class: "detail-body" },
    h("div", { class: "main-image" }, board.element, key),
    facts.element,
    gallery.element,
  );
  return {
    element: h(
      "section",
      { class: "detail", "aria-label": "Image" },
      h("div", { class: "tabbar" }, h("h2", {}, "Image"), search.element, importanceBox),
      sentence,
      body,
    ),
    update(snapshot) {
      importanceBox.hidden = importancePath(snapshot) === null;
      importance.checked = snapshot.view.importance;
      body.classList.toggle("compared", snapshot.reference !== null);
      sentence.replaceChildren(...imageSentences(snapshot));
      const measured = snapshot.frame?.stability;
      stability.hidden = !measured;
      if (measured) refits.textContent = `in all of ${measured.refits} refits`;
      for (const part of [search, board, facts, gallery]) part.update(snapshot);
    },
  };
}

/** The image, next to the one to compare with; a click or the arrow keys select a region. */
function makeBoard(change: ChangeView): Panel {
  const figures = [makeFigure(), makeFigure(), makeFigure()];
  const element = h(
    "div",
    {
      class: "board",
      tabindex: 0,
      role: "group",
      "aria-label": "Regions of the image. Arrow keys select one.",
    },
    h("div", { class: "pictures" }, ...figures.map((figure) => figure.element)),
  );
  let last: Snapshot | null = null;
  const gridOf = ({ atlas, view }: Snapshot) => atlas.grid(view.condition, view.layer);
  element.addEventListener("click", (event) => {
    const picture = (event.target as Element).closest(".picture");
    if (picture && last)
      change(selectRegion(last, last.view.image, regionUnder(event, picture, gridOf(last))));
  });
  element.addEventListener("keydown", (event) => {
    const arrow = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!arrow || !last) return;
    event.preventDefault();
    const { atlas } = last;
    const start = focusedRegion(last) ?? 0;
    const move = (index: number, by: number, count: number) => Math.min(count - 1, Math.max(0, index + by));
    change((view) => {
      const [rows, columns] = atlas.grid(view.condition, view.layer);
      const region = selectedRegion({ atlas, view }) ?? start;
      const row = move(Math.floor(region / columns), arrow[0], rows);
      const column = move(region % columns, arrow[1], columns);
      return { space: "regions", selection: [(view.image * rows + row) * columns + column] };
    });
  });
  const update = async (snapshot: Snapshot) => {
    last = snapshot;
    const importance = await readImportance(snapshot);
    if (last !== snapshot) return;
    const sides = sidesOf(snapshot);
    figures.forEach((figure, index) =>
      figure.show(snapshot, sides[index] ?? null, importance, sides.length > 1),
    );
  };
  return { element, update: (snapshot) => void update(snapshot) };
}

/** One picture of the board; without a frame it has no knowledge points. */
interface Side {
  frame: Frame | null;
  caption: string;
  thumbnails: Thumbnails;
}

function sidesOf(snapshot: Snapshot): Side[] {
  const { atlas, view, frame, reference, clean: thumbnails } = snapshot;
  const condition = atlas.condition(view.condition);
  if (!reference) return [{ frame, caption: "", thumbnails }];
  const [first, name] = condition.kind === "attack" ? ["clean", ""] : ["teacher", condition.name];
  const before = { frame: reference, caption: first, thumbnails };
  // Before its first step an attack has changed nothing.
  if (condition.kind === "attack" && view.step === 0) return [before];
  return condition.kind === "attack"
    ? [before, ...attackedSides(snapshot, stepLabel(condition, view.step))]
    : [before, { frame, caption: name, thumbnails }];
}

/** The attacked image; where the study keeps only that of the last step, regions of others lie on the clean one. */
function attackedSides({ view, frame, attacked, clean }: Snapshot, label: string): Side[] {
  const { images, changes } = attacked?.at(view.step) ?? { images: null, changes: null };
  const caption = images ? label : `${label}, on the clean image: this atlas only has the last picture`;
  const side = { frame, caption, thumbnails: images ?? clean };
  const shown = changes ?? (images ? null : attacked?.last);
  if (!shown) return [side];
  const when = changes ? "so far" : "by the last step";
  const changed = `changed ${when}, × ${shown.factor}; grey: unchanged`;
  return [side, { frame: null, caption: changed, thumbnails: shown.images }];
}

function makeFigure() {
  const picture = makePicture();
  const caption = h("figcaption", {});
  const element = h("figure", {}, picture.element, caption);
  return {
    element,
    show(snapshot: Snapshot, side: Side | null, importance: Importance | null, paired: boolean) {
      element.hidden = side === null;
      if (!side) return picture.clear();
      const { atlas, view } = snapshot;
      const [height, width] = atlas.attributes.image_size;
      const scale = (paired ? SIZE * 0.95 : SIZE) / Math.max(height, width);
      caption.textContent = side.caption;
      picture.show({
        image: view.image,
        thumbnails: side.thumbnails,
        size: [Math.round(height * scale), Math.round(width * scale)],
        grid: side.frame?.grid ?? atlas.grid(view.condition, view.layer),
        frame: side.frame,
        selected: focusedRegion(snapshot),
        highlighted: side.frame === snapshot.frame ? highlightedIn(snapshot, view.image) : new Set(),
        importance,
      });
    },
  };
}

function importancePath({ atlas, view }: Snapshot): string | null {
  const path = `layers/${view.layer}/${view.condition}/importance`;
  return atlas.has(path) ? path : null;
}

async function readImportance(snapshot: Snapshot): Promise<Importance | null> {
  const { atlas, view, frame } = snapshot;
  const path = importancePath(snapshot);
  if (!frame || !path || !view.importance) return null;
  const values = await atlas.read<Uint8Array>(path, view.step).catch(() => null);
  return values && { values, first: view.image * frame.regions };
}
