/** All images small, those with chosen regions first; a page at a time. */

import { h } from "./dom";
import { drawPicture, regionUnder } from "./picture";
import { imageOf, type Change, type Panel, type Shown } from "./shown";

const PAGE = 12;
const SIZE = 62;

export function makeGallery(change: Change): Panel {
  const grid = h("div", { class: "thumbs" });
  const where = h("span", { class: "of", "aria-live": "polite" });
  let page = 0;
  let last: Shown | null = null;
  let drawnFor: unknown[] = [];
  const turn = (by: number) => {
    if (!last) return;
    const pages = Math.max(1, Math.ceil(galleryOrder(last).length / PAGE));
    page = (page + by + pages) % pages;
    render(last);
  };
  const render = (shown: Shown) => {
    const order = galleryOrder(shown);
    const { view, frame } = shown;
    if (page * PAGE >= order.length) page = 0;
    const images = order.slice(page * PAGE, (page + 1) * PAGE);
    where.textContent = order.length
      ? `${page * PAGE + 1}–${page * PAGE + images.length} of ${order.length}${view.selection.length > 1 ? " with chosen points" : ""}`
      : "No image passes the filter.";
    const focus = grid.contains(document.activeElement)
      ? document.activeElement?.getAttribute("data-thumb")
      : null;
    grid.replaceChildren(...images.map((image) => thumb(shown, image, change)));
    if (focus) (grid.querySelector(`[data-thumb="${focus}"]`) as HTMLElement | null)?.focus();
    drawnFor = [frame, view.selection, view.filter, view.colour, view.image];
  };
  return {
    element: h(
      "div",
      { class: "gallery", role: "group", "aria-label": "All images" },
      h(
        "div",
        { class: "tabbar" },
        h("h2", {}, "All images"),
        where,
        h(
          "button",
          { class: "icon", "aria-label": "Earlier images", title: "Earlier images", click: () => turn(-1) },
          "‹",
        ),
        h(
          "button",
          { class: "icon", "aria-label": "Later images", title: "Later images", click: () => turn(1) },
          "›",
        ),
      ),
      grid,
    ),
    update(shown) {
      const selected = last?.view.selection !== shown.view.selection && shown.view.selection.length > 1;
      const filtered = last?.view.filter !== shown.view.filter;
      last = shown;
      if (selected || filtered) page = 0;
      const { view, frame } = shown;
      const now = [frame, view.selection, view.filter, view.colour, view.image];
      if (now.some((each, place) => each !== drawnFor[place])) render(shown);
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

function thumb(shown: Shown, image: number, change: Change): HTMLElement {
  const { run, view, frame, clean } = shown;
  const [height, width] = run.attributes.image_size;
  const scale = SIZE / Math.max(height, width);
  const size: [number, number] = [Math.round(height * scale), Math.round(width * scale)];
  const grid = run.grid(view.condition, view.layer);
  const several = view.space === "regions" && view.selection.length > 1;
  const lit = new Set(several ? view.selection : []);
  const name = run.attributes.classes[run.labels[image]];
  const open = () => change({ image, selection: several ? view.selection : [] });
  return h(
    "button",
    {
      class: "thumb",
      "data-thumb": image,
      "aria-label": `Image ${image}, ${name}`,
      title: `Image ${image}, ${name}`,
      "aria-current": image === view.image ? "true" : false,
      click: (event: MouseEvent) => {
        const picture =
          event.currentTarget instanceof Element && event.currentTarget.querySelector(".picture");
        if (event.detail === 0 || !picture || several || !frame) return open();
        const region = regionUnder(event, picture, grid);
        change({ space: "regions", image, selection: [image * frame.regions + region] });
      },
    },
    drawPicture({ image, pictures: clean, size, grid, frame, chosen: null, lit, importance: null }),
  );
}
