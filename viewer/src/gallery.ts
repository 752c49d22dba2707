/** All images small, those with chosen regions first; a page at a time. */

import { h } from "./dom";
import { makePicture, regionUnder } from "./picture";
import { choosingRegion, type Change, type Panel, type Shown } from "./shown";
import { imageOf } from "./state";

const PAGE = 12;
const SIZE = 62;

export function makeGallery(change: Change): Panel {
  const grid = h("div", { class: "thumbs" });
  const where = h("span", { class: "of" });
  const thumbs = Array.from({ length: PAGE }, () => makeThumb(change));
  let page = 0;
  let last: Shown | null = null;
  let order: number[] = [];
  let orderedBy: unknown[] = [];
  const turn = (by: number) => {
    const pages = Math.max(1, Math.ceil(order.length / PAGE));
    page = (page + by + pages) % pages;
    render();
  };
  const render = () => {
    if (!last) return;
    const shown = last;
    const images = order.slice(page * PAGE, (page + 1) * PAGE);
    const some = last.view.selection.length > 1 ? " with chosen points" : "";
    where.textContent = images.length
      ? `${page * PAGE + 1}–${page * PAGE + images.length} of ${order.length}${some}`
      : "No image passes the filter.";
    images.forEach((image, place) => thumbs[place].show(shown, image));
    const wanted = thumbs.slice(0, images.length).map(({ element }) => element);
    if (grid.children.length !== wanted.length) grid.replaceChildren(...wanted);
  };
  const step = (name: string, sign: string, by: number) =>
    h("button", { class: "icon", "aria-label": name, title: name, click: () => turn(by) }, sign);
  return {
    element: h(
      "div",
      { class: "gallery", role: "group", "aria-label": "All images" },
      h(
        "div",
        { class: "tabbar" },
        h("h2", {}, "All images"),
        where,
        step("Earlier images", "‹", -1),
        step("Later images", "›", 1),
      ),
      grid,
    ),
    update(shown) {
      last = shown;
      const { view, frame } = shown;
      const now = [view.selection, view.filter, view.colour, view.colour === "predicted" && frame];
      if (now.some((each, place) => each !== orderedBy[place])) {
        const before = order;
        [order, orderedBy] = [galleryOrder(shown), now];
        if (order.some((image, place) => image !== before[place]) || order.length !== before.length) page = 0;
      }
      render();
    },
  };
}

/** Images of the chosen classes; with several points chosen, only their images, those with most of them first. */
export function galleryOrder(shown: Shown): number[] {
  const { run, view, frame } = shown;
  const classes = new Set(view.filter.classes);
  const classOf = (image: number) =>
    view.colour === "predicted" && frame ? frame.predictions[image] : run.labels[image];
  const wanted = (image: number) => !classes.size || classes.has(classOf(image));
  if (view.selection.length < 2)
    return Array.from(run.labels, (_, image) => image).filter(
      (image) => view.colour === "knowledge" || wanted(image),
    );
  const counts = new Map<number, number>();
  for (const id of view.selection) counts.set(imageOf(shown, id), (counts.get(imageOf(shown, id)) ?? 0) + 1);
  return [...counts].sort(([a, one], [b, other]) => other - one || a - b).map(([image]) => image);
}

/** A small image to press: the region under the pointer, or the whole image where several points are chosen. */
function makeThumb(change: Change) {
  const picture = makePicture();
  let now: { shown: Shown; image: number } | null = null;
  const press = (event: MouseEvent) => {
    if (!now) return;
    const { shown, image } = now;
    const { frame, view, run } = shown;
    if (view.selection.length > 1) return change({ image });
    if (event.detail === 0 || !frame) return change({ image, selection: [] });
    change(
      choosingRegion(shown, image, regionUnder(event, picture.element, run.grid(view.condition, view.layer))),
    );
  };
  const element = h("button", { class: "thumb", click: press }, picture.element);
  return {
    element,
    show(shown: Shown, image: number) {
      now = { shown, image };
      const { run, view, frame, clean } = shown;
      const [height, width] = run.attributes.image_size;
      const scale = SIZE / Math.max(height, width);
      element.title = element.ariaLabel = `Image ${image}, ${run.attributes.classes[run.labels[image]]}`;
      if (image === view.image) element.setAttribute("aria-current", "true");
      else element.removeAttribute("aria-current");
      picture.show({
        image,
        pictures: clean,
        size: [Math.round(height * scale), Math.round(width * scale)],
        grid: run.grid(view.condition, view.layer),
        frame,
        chosen: null,
        lit: new Set(view.space === "regions" && view.selection.length > 1 ? view.selection : []),
        importance: null,
      });
    },
  };
}
