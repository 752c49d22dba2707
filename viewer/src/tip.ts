/** What is said of the point under the pointer. */

import { h } from "./dom";
import { placeWords, probabilityWords, storedProbability } from "./findings";
import { makePicture } from "./picture";
import type { Shown } from "./shown";
import { imageOf } from "./state";

const SIZE = 72;

export function pointTip(shown: Shown, id: number): HTMLElement {
  const { run, view, frame, clean } = shown;
  const image = imageOf(shown, id);
  const {
    classes,
    image_size: [height, width],
  } = run.attributes;
  const scale = SIZE / Math.max(height, width);
  const regional = view.space === "regions" && frame !== null;
  const region = regional ? id % frame.regions : null;
  const picture = makePicture();
  picture.show({
    image,
    pictures: clean,
    size: [Math.round(height * scale), Math.round(width * scale)],
    grid: run.grid(view.condition, view.layer),
    frame: null,
    chosen: region,
    lit: new Set(),
    importance: null,
  });
  // Not a place to press: only what can be pressed says of which image it is.
  delete picture.element.dataset.image;
  const lines = [h("b", {}, `Image ${image}: ${classes[run.labels[image]]}`)];
  if (frame) lines.push(h("span", {}, `seen as ${classes[frame.predictions[image]]}`));
  if (frame && region !== null)
    lines.push(
      h("span", {}, placeWords(region, frame.grid[1])),
      h(
        "span",
        {},
        `says ${classes[frame.category[id]]}, ${probabilityWords(storedProbability(frame.confidence[id]))}`,
      ),
    );
  return h("div", { class: "tip-body" }, picture.element, h("div", {}, ...lines));
}

/** Put the tip beside the pointer, inside the space. */
export function placeTip(tip: HTMLElement, x: number, y: number, width: number, height: number): void {
  const right = x + 16 + tip.offsetWidth > width;
  const low = y + 16 + tip.offsetHeight > height;
  tip.style.left = `${right ? Math.max(4, x - 16 - tip.offsetWidth) : x + 16}px`;
  tip.style.top = `${low ? Math.max(4, y - 16 - tip.offsetHeight) : y + 16}px`;
}
