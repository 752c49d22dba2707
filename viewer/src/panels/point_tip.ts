/** The tooltip of a point. */

import { bitsAt, storedProbability } from "../data/regions";
import { h } from "../dom";
import type { Snapshot } from "../state/snapshot";
import { imageOf } from "../state/view";
import { formatBits, formatP, formatPlace, predictedClass } from "./formatting";
import { makePicture } from "./picture";

const SIZE = 72;

export function pointTip(snapshot: Snapshot, id: number): HTMLElement {
  const { atlas, view, frame, clean } = snapshot;
  const image = imageOf(snapshot, id);
  const {
    classes,
    image_size: [height, width],
  } = atlas.attributes;
  const scale = SIZE / Math.max(height, width);
  const regional = view.space === "regions" && frame !== null;
  const region = regional ? id % frame.regions : null;
  const picture = makePicture();
  picture.show({
    image,
    thumbnails: clean,
    size: [Math.round(height * scale), Math.round(width * scale)],
    grid: atlas.grid(view.condition, view.layer),
    frame: null,
    selected: region,
    highlighted: new Set(),
    importance: null,
  });
  // Only pictures that can be clicked carry the number of their image.
  delete picture.element.dataset.image;
  const lines = [h("b", {}, `Image ${image}: ${classes[atlas.labels[image]]}`)];
  if (frame) lines.push(h("span", {}, `network predicts ${classes[frame.predictions[image]]}`));
  if (frame && region !== null)
    lines.push(
      h("span", {}, formatPlace(region, frame.grid[1])),
      h(
        "span",
        {},
        `region predicts ${predictedClass(frame, id, classes)}, ${formatP(storedProbability(frame.confidence[id]))}`,
      ),
    );
  const bits = frame && region !== null ? bitsAt(frame, id) : null;
  if (bits !== null)
    lines.push(h("span", {}, `${formatBits(bits)} bits for ${classes[atlas.labels[image]]}`));
  return h("div", { class: "tip-body" }, picture.element, h("div", {}, ...lines));
}
