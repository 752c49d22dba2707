/** Thumbnails of all images, page by page; those with the most selected points first. */

import { h } from "../dom";
import { selectRegion, type ChangeView, type Snapshot } from "../state/snapshot";
import { imageOf } from "../state/view";
import type { Panel } from "./panel";
import { makePicture, regionUnder } from "./picture";

const PAGE = 12;
const SIZE = 62;

export function makeGallery(change: ChangeView): Panel {
  const grid = h("div", { class: "thumbs" });
  const range = h("span", { class: "of" });
  const thumbs = Array.from({ length: PAGE }, () => makeThumb(change));
  let page = 0;
  let last: Snapshot | null = null;
  let order: number[] = [];
  let orderedBy: unknown[] = [];
  const turnPage = (by: number) => {
    const pages = Math.max(1, Math.ceil(order.length / PAGE));
    page = (page + by + pages) % pages;
    render();
  };
  const render = () => {
    if (!last) return;
    const snapshot = last;
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
      grid,
    ),
    update(snapshot) {
      last = snapshot;
      const { view, frame } = snapshot;
      const dependencies = [view.selection, view.filter, view.colour, view.colour === "predicted" && frame];
      if (dependencies.some((value, index) => value !== orderedBy[index])) {
        const before = order;
        [order, orderedBy] = [galleryOrder(snapshot), dependencies];
        if (order.some((image, index) => image !== before[index]) || order.length !== before.length) page = 0;
      }
      render();
    },
  };
}

/** Images of the classes in the filter; with several points selected, only their images, most points first. */
export function galleryOrder(snapshot: Snapshot): number[] {
  const { atlas, view, frame } = snapshot;
  const classes = new Set(view.filter.classes);
  const classOf = (image: number) =>
    view.colour === "predicted" && frame ? frame.predictions[image] : atlas.labels[image];
  const included = (image: number) => !classes.size || classes.has(classOf(image));
  if (view.selection.length < 2)
    return Array.from(atlas.labels, (_, image) => image).filter(
      (image) => view.colour === "knowledge" || included(image),
    );
  const counts = new Map<number, number>();
  for (const image of view.selection.map((id) => imageOf(snapshot, id)))
    counts.set(image, (counts.get(image) ?? 0) + 1);
  return [...counts].sort(([a, one], [b, other]) => other - one || a - b).map(([image]) => image);
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
  const element = h("button", { class: "thumb", click: select }, picture.element);
  return {
    element,
    show(snapshot: Snapshot, image: number) {
      content = { snapshot, image };
      const { atlas, view, frame, clean } = snapshot;
      const [height, width] = atlas.attributes.image_size;
      const scale = SIZE / Math.max(height, width);
      element.title = element.ariaLabel = `Image ${image}, ${atlas.attributes.classes[atlas.labels[image]]}`;
      if (image === view.image) element.setAttribute("aria-current", "true");
      else element.removeAttribute("aria-current");
      picture.show({
        image,
        thumbnails: clean,
        size: [Math.round(height * scale), Math.round(width * scale)],
        grid: atlas.grid(view.condition, view.layer),
        frame,
        selected: null,
        highlighted: new Set(view.space === "regions" && view.selection.length > 1 ? view.selection : []),
        importance: null,
      });
    },
  };
}
