/** A typical region of a pattern as a piece of its image, with its outline and that of its receptive field. */

import type { Atlas } from "../data/atlas";
import type { Grid } from "../data/format";
import { cutPatch, type Box, type Cut } from "../data/patterns";
import type { Thumbnail } from "../data/thumbnails";
import { h } from "../dom";
import type { Snapshot } from "../state/snapshot";
import { outlineBox } from "./box_outline";
import { formatPlace } from "./formatting";

/** Pixels of a patch on the page. */
const SIZE = 62;

/** What a patch is of: a region of an image in a grid, and its receptive field in pixels of the image. */
export interface PatchOf {
  image: number;
  region: number;
  grid: Grid;
  field: Grid | null;
}

/** A button with a patch; `more` is added to the label with image, class and position. */
export function regionPatch(
  { atlas, clean }: Pick<Snapshot, "atlas" | "clean">,
  of: PatchOf,
  click: () => void,
  more = "",
): HTMLElement {
  const canvas = h("canvas", { width: 2 * SIZE, height: 2 * SIZE, "aria-hidden": "true" });
  void Promise.resolve(clean.get(of.image))
    .then((thumbnail) => thumbnail && drawPatch(canvas, thumbnail, atlas, of))
    .catch(() => null);
  const name = atlas.attributes.classes[atlas.labels[of.image]];
  const text = `Image ${of.image} (${name}), ${formatPlace(of.region, of.grid[1])}${more}`;
  return h("button", { class: "patch", title: text, "aria-label": text, click }, canvas);
}

function drawPatch(
  canvas: HTMLCanvasElement,
  { bitmap, width, height }: Thumbnail,
  { attributes }: Atlas,
  { grid, region, field }: PatchOf,
): void {
  const [down, across] = attributes.image_size;
  const scaled: Grid | null = field && [(field[0] * height) / down, (field[1] * width) / across];
  const cut = cutPatch([height, width], grid, region, scaled);
  // Not drawn by the GPU, which would make a layer of the page of each.
  const context = canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  context.drawImage(bitmap, cut.left, cut.top, cut.side, cut.side, 0, 0, canvas.width, canvas.height);
  if (cut.field) outline(context, cut, cut.field, [5, 3]);
  outline(context, cut, cut.region, []);
}

/** A box of the image, kept within the patch. */
function outline(context: CanvasRenderingContext2D, { side }: Cut, box: Box, dash: number[]): void {
  const { width } = context.canvas;
  const scale = width / side;
  const within = (value: number) => Math.min(width - 2, Math.max(2, value * scale));
  const [left, top] = [within(box[0]), within(box[1])];
  const [right, bottom] = [within(box[0] + box[2]), within(box[1] + box[3])];
  outlineBox(context, [left, top, right - left, bottom - top], { white: 4, dash });
}
