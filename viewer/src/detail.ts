/** The chosen image: large, with its regions to choose from, and what they say. */

import { h } from "./dom";
import { makeFacts } from "./facts";
import { makeGallery } from "./gallery";
import { imageSearch } from "./imagesearch";
import { makePicture, regionUnder, type Shade } from "./picture";
import type { Frame } from "./frame";
import { imageSentences } from "./sentences";
import {
  chosenRegion,
  choosingRegion,
  focusRegion,
  stepLabel,
  type Change,
  type Panel,
  type Shown,
} from "./shown";

const ROOM = 204;

export function makeDetail(change: Change): Panel {
  const gallery = makeGallery(change);
  const search = imageSearch(change);
  const facts = makeFacts(change);
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
      "reliable: speaks for the true class",
    ),
    h("span", { class: "key-item" }, h("span", { class: "swatch-box unreliable" }), "unreliable"),
  );
  const body = h(
    "div",
    { class: "detail-body" },
    h("div", { class: "shown-image" }, board.element, key),
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
    update(shown) {
      importanceBox.hidden = importancePath(shown) === null;
      importance.checked = shown.view.importance;
      body.classList.toggle("compared", shown.reference !== null);
      sentence.replaceChildren(...imageSentences(shown));
      for (const part of [search, board, facts, gallery]) part.update(shown);
    },
  };
}

/** The image, beside what it is compared with; a click or the arrow keys choose a region. */
function makeBoard(change: Change): Panel {
  const figures = [makeFigure(), makeFigure()];
  const element = h(
    "div",
    {
      class: "board",
      tabindex: 0,
      role: "group",
      "aria-label": "Regions of the image. Arrow keys choose one.",
    },
    h("div", { class: "pictures" }, ...figures.map((each) => each.element)),
  );
  let last: Shown | null = null;
  const gridOf = ({ run, view }: Shown) => run.grid(view.condition, view.layer);
  element.addEventListener("click", (event) => {
    const picture = (event.target as Element).closest(".picture");
    if (picture && last)
      change(choosingRegion(last, last.view.image, regionUnder(event, picture, gridOf(last))));
  });
  element.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!way || !last) return;
    event.preventDefault();
    const { run } = last;
    const start = focusRegion(last) ?? 0;
    const along = (place: number, by: number, count: number) => Math.min(count - 1, Math.max(0, place + by));
    change((view) => {
      const [rows, columns] = run.grid(view.condition, view.layer);
      const region = chosenRegion({ run, view }) ?? start;
      const row = along(Math.floor(region / columns), way[0], rows);
      const column = along(region % columns, way[1], columns);
      return { space: "regions", selection: [(view.image * rows + row) * columns + column] };
    });
  });
  const update = async (shown: Shown) => {
    last = shown;
    const shade = await readShade(shown);
    if (last !== shown) return;
    const sides = sidesOf(shown);
    figures.forEach((figure, place) => figure.show(shown, sides[place] ?? null, shade, sides.length > 1));
  };
  return { element, update: (shown) => void update(shown) };
}

/** One picture of the board: of which frame, with which words below it. */
interface Side {
  frame: Frame | null;
  caption: string;
  attacked: boolean;
}

function sidesOf({ run, view, frame, reference, attacked }: Shown): Side[] {
  const condition = run.condition(view.condition);
  if (!reference) return [{ frame, caption: "", attacked: false }];
  // Only the end of an attack has its pictures in the atlas: regions of other steps lie on the clean one.
  const ended = view.step === condition.steps.length - 1 && attacked !== null;
  const label = stepLabel(condition, view.step);
  if (condition.kind === "attack")
    return [
      { frame: reference, caption: "before the attack", attacked: false },
      { frame, caption: ended || view.step === 0 ? label : `${label} (clean picture)`, attacked: ended },
    ];
  return [
    { frame: reference, caption: "network of the training", attacked: false },
    { frame, caption: condition.name, attacked: false },
  ];
}

function makeFigure() {
  const picture = makePicture();
  const caption = h("figcaption", {});
  const element = h("figure", {}, picture.element, caption);
  return {
    element,
    show(shown: Shown, side: Side | null, importance: Shade | null, paired: boolean) {
      element.hidden = side === null;
      if (!side) return picture.clear();
      const { run, view, clean, attacked } = shown;
      const [height, width] = run.attributes.image_size;
      const scale = (paired ? ROOM * 0.95 : ROOM) / Math.max(height, width);
      caption.textContent = side.caption;
      picture.show({
        image: view.image,
        pictures: side.attacked && attacked ? attacked : clean,
        size: [Math.round(height * scale), Math.round(width * scale)],
        grid: side.frame?.grid ?? run.grid(view.condition, view.layer),
        frame: side.frame,
        chosen: focusRegion(shown),
        lit: new Set(view.selection.length > 1 && view.space === "regions" ? view.selection : []),
        importance,
      });
    },
  };
}

function importancePath({ run, view }: Shown): string | null {
  const path = `layers/${view.layer}/${view.condition}/importance`;
  return run.has(path) ? path : null;
}

async function readShade(shown: Shown): Promise<Shade | null> {
  const { run, view, frame } = shown;
  const path = importancePath(shown);
  if (!frame || !path || !view.importance) return null;
  const values = await run.read<Uint8Array>(path, view.step).catch(() => null);
  return values && { values, first: view.image * frame.regions };
}
