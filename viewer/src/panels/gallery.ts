/** Thumbnails of all images, page by page; those with the most selected points first. */

import type { Atlas } from "../data/atlas";
import type { Frame } from "../data/frame";
import { h } from "../dom";
import { passing, type Filter } from "../state/facets";
import { highlightedIn, selectRegion, type ChangeView, type Snapshot } from "../state/snapshot";
import { imageOf, type Sort, type View } from "../state/view";
import { formatProbability, storedCertainty } from "./formatting";
import type { Panel } from "./panel";
import { makePicture, regionUnder } from "./picture";

const PAGE = 12;
const SIZE = 62;
const SORT_NAMES: Record<Sort, string> = {
  number: "number",
  regions: "most regions that pass",
  wrong: "wrong, most confident first",
};

export function makeGallery(change: ChangeView): Panel {
  const grid = h("div", { class: "thumbs" });
  const range = h("span", { class: "of" });
  const thumbs = Array.from({ length: PAGE }, () => makeThumb(change));
  const sort = h(
    "select",
    { "aria-label": "Sort by", change: () => change({ sort: sort.value as Sort }) },
    ...Object.entries(SORT_NAMES).map(([value, name]) => h("option", { value }, name)),
  );
  const wrong = h("input", {
    type: "checkbox",
    change: () =>
      change(({ filter, sort: old }) => ({
        filter: { ...filter, decided: wrong.checked ? "misclassified" : "any" },
        sort: wrong.checked ? "wrong" : old,
      })),
  });
  let last: Snapshot | null = null;
  let order: number[] = [];
  let orderedBy: unknown[] = [];
  const turnPage = (by: number) => {
    const pages = pagesOf(order);
    change(({ page }) => ({ page: (Math.min(page, pages - 1) + by + pages) % pages }));
  };
  const render = () => {
    if (!last) return;
    const snapshot = last;
    const page = Math.min(snapshot.view.page, pagesOf(order) - 1);
    const images = order.slice(page * PAGE, (page + 1) * PAGE);
    const subset = last.view.selection.length > 1 ? " with selected points" : "";
    range.textContent = images.length
      ? `${page * PAGE + 1}–${page * PAGE + images.length} of ${order.length}${subset}`
      : "No image passes the filter.";
    images.forEach((image, index) => thumbs[index].show(snapshot, image));
    const filled = thumbs.slice(0, images.length).map(({ element }) => element);
    if (grid.children.length !== filled.length) grid.replaceChildren(...filled);
  };
  const pageButton = (name: string, sign: string, by: number) =>
    h("button", { class: "icon", "aria-label": name, title: name, click: () => turnPage(by) }, sign);
  return {
    element: h(
      "div",
      { class: "gallery", role: "group", "aria-label": "All images" },
      h(
        "div",
        { class: "tabbar" },
        h("h2", {}, "All images"),
        range,
        pageButton("Previous page", "‹", -1),
        pageButton("Next page", "›", 1),
      ),
      h(
        "div",
        { class: "gallery-order" },
        h("label", { class: "check" }, "Sort by ", sort),
        h("label", { class: "check" }, wrong, "Wrong only"),
      ),
      grid,
    ),
    update(snapshot) {
      last = snapshot;
      const { view, frame } = snapshot;
      sort.value = view.sort;
      wrong.checked = view.filter.decided === "misclassified";
      const dependencies = [view.selection, view.filter, view.sort, frame];
      if (dependencies.some((value, index) => value !== orderedBy[index]))
        [order, orderedBy] = [galleryOrder(snapshot), dependencies];
      render();
    },
  };
}

function pagesOf(order: number[]): number {
  return Math.max(1, Math.ceil(order.length / PAGE));
}

/** Images that pass the filter, sorted; with several points selected, only their images, most points first. */
export function galleryOrder(snapshot: Snapshot): number[] {
  const { atlas, view, frame } = snapshot;
  if (view.selection.length < 2) {
    const all = Array.from(atlas.labels, (_, image) => image);
    if (!frame) return all;
    const { images } = passing(frame, view.filter, atlas.labels);
    return sortImages(
      all.filter((image) => images[image] > 0),
      scoreOf(frame, view.sort, atlas.labels, images),
    );
  }
  const counts = new Map<number, number>();
  for (const image of view.selection.map((id) => imageOf(snapshot, id)))
    counts.set(image, (counts.get(image) ?? 0) + 1);
  return sortImages([...counts.keys()], (image) => counts.get(image) as number);
}

/** Changes to the images that pass other facets, the first of them in view; of none, `otherwise`. */
export function showImages(
  snapshot: Snapshot,
  facets: Partial<Filter>,
  sort: Sort,
  otherwise?: number,
): Partial<View> {
  const filter = { ...snapshot.view.filter, ...facets };
  const view = { ...snapshot.view, filter, sort, selection: [] };
  const [image = otherwise ?? view.image] = galleryOrder({ ...snapshot, view });
  return { filter, sort, image, selection: [] };
}

/** Changes that release what `showImages` chose: the image in view and the selection stay. */
export function releaseImages({ filter }: View, facets: Partial<Filter>): Partial<View> {
  return { filter: { ...filter, ...facets }, sort: "number" };
}

/** The sort key of images, highest first: wrong decisions by confidence, then correct ones, least confident first. */
function scoreOf(frame: Frame, sort: Sort, labels: Uint16Array, regions: Uint16Array) {
  const { predictions, certainty } = frame;
  if (sort === "number") return () => 0;
  if (sort === "regions") return (image: number) => regions[image];
  return (image: number) => (predictions[image] === labels[image] ? -1 : 1) * (certainty?.[image] ?? 1);
}

function sortImages(images: number[], score: (image: number) => number): number[] {
  return images.sort((one, other) => score(other) - score(one) || one - other);
}

/** A thumbnail: a click selects the region under the pointer, or the image while several points are selected. */
function makeThumb(change: ChangeView) {
  const picture = makePicture();
  let content: { snapshot: Snapshot; image: number } | null = null;
  const select = (event: MouseEvent) => {
    if (!content) return;
    const { snapshot, image } = content;
    const { frame, view, atlas } = snapshot;
    if (view.selection.length > 1) return change({ image });
    if (event.detail === 0 || !frame) return change({ image, selection: [] });
    change(
      selectRegion(
        snapshot,
        image,
        regionUnder(event, picture.element, atlas.grid(view.condition, view.layer)),
      ),
    );
  };
  const caption = h("span", { class: "thumb-caption" });
  const element = h("button", { class: "thumb", click: select }, picture.element, caption);
  return {
    element,
    show(snapshot: Snapshot, image: number) {
      content = { snapshot, image };
      const { atlas, view, frame, clean } = snapshot;
      const [height, width] = atlas.attributes.image_size;
      const scale = SIZE / Math.max(height, width);
      const mistake = frame && describeMistake(frame, image, atlas);
      const name = `Image ${image}, ${atlas.attributes.classes[atlas.labels[image]]}`;
      // The accessible name contains the caption, so that speech input can use the visible text.
      element.title = element.ariaLabel = mistake
        ? `${name}: the network predicts ${mistake.replace("\n", " ")}`
        : name;
      caption.replaceChildren(...(mistake?.split("\n") ?? []).flatMap((line) => [h("span", {}, line), " "]));
      if (image === view.image) element.setAttribute("aria-current", "true");
      else element.removeAttribute("aria-current");
      picture.show({
        image,
        thumbnails: clean,
        size: [Math.round(height * scale), Math.round(width * scale)],
        grid: atlas.grid(view.condition, view.layer),
        frame,
        selected: null,
        highlighted: highlightedIn(snapshot, image),
        importance: null,
      });
    },
  };
}

/** The class that the network predicts for an image, and its probability; null if it is correct. */
function describeMistake({ predictions, certainty }: Frame, image: number, atlas: Atlas): string | null {
  if (predictions[image] === atlas.labels[image]) return null;
  const name = atlas.attributes.classes[predictions[image]];
  return certainty ? `${name}\n${formatProbability(storedCertainty(certainty[image]))}` : name;
}
