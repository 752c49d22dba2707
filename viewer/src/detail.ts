/** The chosen image: large, with its regions to choose from, and what they say. */

import { h } from "./dom";
import { makeFacts } from "./facts";
import {
  decisiveRegion,
  listed,
  placeWords,
  pointsOfImage,
  probabilityWords,
  regionPosterior,
} from "./findings";
import { makeGallery } from "./gallery";
import { imageSearch } from "./imagesearch";
import { drawPicture, regionUnder, type Shade } from "./picture";
import type { Pictures } from "./pictures";
import { NOT_ATTACKED, type Frame } from "./frame";
import { focusRegion, type Change, type Panel, type Shown } from "./shown";

const ROOM = 204;

export function makeDetail(change: Change): Panel {
  const gallery = makeGallery(change);
  const body = h("div", { class: "detail-body" });
  const search = imageSearch(change);
  const importance = h("input", { type: "checkbox" });
  const importanceBox = h("label", { class: "check" }, importance, "Importance");
  importance.addEventListener("change", () => change({ importance: importance.checked }));
  const sentence = h("p", { class: "finding", "aria-live": "polite" });
  const pictures = h("div", { class: "pictures" });
  const facts = makeFacts(change);
  let last: Shown | null = null;

  const board = h(
    "div",
    {
      class: "board",
      tabindex: 0,
      role: "group",
      "aria-label": "Regions of the image. Arrow keys choose one.",
    },
    pictures,
  );
  const choose = (region: number) => {
    if (!last) return;
    const { view, run } = last;
    const [rows, columns] = run.grid(view.condition, view.layer);
    change({ space: "regions", selection: [view.image * rows * columns + region] });
  };
  board.addEventListener("click", (event) => {
    const picture = (event.target as Element).closest(".picture");
    if (picture && last)
      choose(regionUnder(event, picture, last.run.grid(last.view.condition, last.view.layer)));
  });
  board.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!way || !last) return;
    event.preventDefault();
    const [rows, columns] = last.run.grid(last.view.condition, last.view.layer);
    const region = focusRegion(last) ?? 0;
    const along = (place: number, by: number, count: number) => Math.min(count - 1, Math.max(0, place + by));
    choose(
      along(Math.floor(region / columns), way[0], rows) * columns + along(region % columns, way[1], columns),
    );
  });

  const update = async (shown: Shown) => {
    last = shown;
    search.update(shown);
    const path = importancePath(shown);
    importanceBox.hidden = path === null;
    importance.checked = shown.view.importance;
    facts.update(shown);
    gallery.update(shown);
    body.classList.toggle("compared", shown.reference !== null);
    sentence.replaceChildren(...imageSentence(shown));
    const shade = path && shown.view.importance ? await readShade(shown, path) : null;
    if (last === shown) pictures.replaceChildren(...picturesOf(shown, shade));
  };
  const key = h(
    "p",
    { class: "key" },
    h("span", { class: "swatch-box reliable" }),
    "reliable: speaks for the true class",
    h("span", { class: "swatch-box unreliable" }),
    "unreliable",
  );
  body.append(h("div", { class: "shown-image" }, board, key), facts.element, gallery.element);
  return {
    element: h(
      "section",
      { class: "detail", "aria-label": "Image" },
      h("div", { class: "tabbar" }, h("h2", {}, "Image"), search.element, importanceBox),
      sentence,
      body,
    ),
    update: (shown) => void update(shown),
  };
}

function importancePath({ run, view }: Shown): string | null {
  const path = `layers/${view.layer}/${view.condition}/importance`;
  return run.has(path) ? path : null;
}

async function readShade({ run, view, frame }: Shown, path: string): Promise<Shade | null> {
  if (!frame) return null;
  const values = await run.read<Uint8Array>(path, view.step).catch(() => null);
  return values && { values, first: view.image * frame.regions };
}

function picturesOf(shown: Shown, importance: Shade | null): HTMLElement[] {
  const { run, view, frame, reference, clean, attacked } = shown;
  const [height, width] = run.attributes.image_size;
  const pairs = reference !== null;
  const room = pairs ? ROOM * 0.95 : ROOM;
  const scale = room / Math.max(height, width);
  const size: [number, number] = [Math.round(height * scale), Math.round(width * scale)];
  const lit = new Set(view.selection.length > 1 && view.space === "regions" ? view.selection : []);
  const draw = (pictures: Pictures, of: Frame | null, caption: string | null) =>
    h(
      "figure",
      {},
      drawPicture({
        image: view.image,
        pictures,
        size,
        grid: of?.grid ?? run.grid(view.condition, view.layer),
        frame: of,
        chosen: focusRegion(shown),
        lit,
        importance,
      }),
      caption && h("figcaption", {}, caption),
    );
  if (!pairs) return [draw(clean, frame, null)];
  const attack = run.condition(view.condition).kind === "attack";
  const now = attack
    ? run.condition(view.condition).steps[view.step].label
    : run.condition(view.condition).name;
  return [
    draw(clean, reference, attack ? "before the attack" : "network of the training"),
    draw(attack && attacked && isLast(shown) ? attacked : clean, frame, now),
  ];
}

function isLast({ run, view }: Shown): boolean {
  return view.step === run.condition(view.condition).steps.length - 1;
}

/** What the network says of the image, by which region, and what changed. */
function imageSentence(shown: Shown): (Node | string)[] {
  const { run, view, frame, reference } = shown;
  const { classes } = run.attributes;
  const { image } = view;
  if (!frame) return [shown.problem ?? "The regions of this image cannot be read."];
  const truth = classes[run.labels[image]];
  const decided = frame.predictions[image];
  if (reference) return [compared(shown, frame, reference)];
  const region = decisiveRegion(run, frame, image, decided);
  const p = regionPosterior(run, frame, image * frame.regions + region)[decided];
  const right = run.labels[image] === decided;
  return [
    h("b", {}, `Image ${image} is ${right ? "" : "not "}taken for what it is, ${truth}`),
    right ? ". " : `, but for ${classes[decided]}. `,
    `The region that speaks most for ${classes[decided]}: ${placeWords(region, frame.grid[1])}, ${probabilityWords(p)}.`,
  ];
}

function compared({ run, view }: Shown, frame: Frame, reference: Frame): string {
  const { classes } = run.attributes;
  const { image } = view;
  const points = (of: Frame) => {
    const { total, classes: found } = pointsOfImage(of, image);
    const said = found.slice(0, 3).map(([each, count]) => `${count} ${classes[each]}`);
    return total ? `${total} knowledge point${total > 1 ? "s" : ""} (${listed(said)})` : "no knowledge point";
  };
  const [one, other] = [reference.predictions[image], frame.predictions[image]].map((each) => classes[each]);
  const attack = frame.condition.kind === "attack";
  const [before, after] = attack
    ? ["Before the attack", "After it"]
    : ["The network of the training", "This one"];
  const target = frame.targets?.[image];
  if (target === NOT_ATTACKED)
    return `Image ${image} (${classes[run.labels[image]]}) was not attacked: the network takes it for ${one} as it is.`;
  const aim = target === undefined ? "" : `, aimed at ${classes[target]}`;
  return `Image ${image} (${classes[run.labels[image]]}${aim}). ${before}: taken for ${one}, ${points(reference)}. ${after}: ${other}, ${points(frame)}.`;
}
