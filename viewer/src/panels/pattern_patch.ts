/** A typical region of a pattern as a piece of its image, with its outline and that of its receptive field. */

import type { Atlas } from "../data/atlas";
import type { Frame } from "../data/frame";
import type { Grid } from "../data/format";
import { cutPatch, type Box, type Cut, type LayerPatterns } from "../data/patterns";
import type { Thumbnail } from "../data/thumbnails";
import { h } from "../dom";
import { selectRegion, type ChangeView, type Snapshot } from "../state/snapshot";
import { formatPlace } from "./formatting";

/** Pixels of a patch on the page. */
const SIZE = 62;

export function patternPatch(
  snapshot: Snapshot,
  frame: Frame,
  { field }: LayerPatterns,
  id: number,
  change: ChangeView,
): HTMLElement {
  const { atlas, clean } = snapshot;
  const canvas = h("canvas", { width: 2 * SIZE, height: 2 * SIZE, "aria-hidden": "true" });
  const [image, region] = [Math.floor(id / frame.regions), id % frame.regions];
  void Promise.resolve(clean.get(image))
    .then((thumbnail) => thumbnail && drawPatch(canvas, thumbnail, atlas, frame.grid, region, field))
    .catch(() => null);
  const text = `Image ${image} (${atlas.attributes.classes[atlas.labels[image]]}), ${formatPlace(region, frame.grid[1])}`;
  return h(
    "button",
    {
      class: "patch",
      title: text,
      "aria-label": text,
      click: () => change(selectRegion(snapshot, image, region)),
    },
    canvas,
  );
}

function drawPatch(
  canvas: HTMLCanvasElement,
  { bitmap, width, height }: Thumbnail,
  { attributes }: Atlas,
  grid: Grid,
  region: number,
  field: Grid | null,
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

/** A box within the patch, dark on a wider white line. */
function outline(context: CanvasRenderingContext2D, { side }: Cut, box: Box, dash: number[]): void {
  const { width } = context.canvas;
  const scale = width / side;
  const within = (value: number) => Math.min(width - 2, Math.max(2, value * scale));
  const [left, top] = [within(box[0]), within(box[1])];
  const [right, bottom] = [within(box[0] + box[2]), within(box[1] + box[3])];
  for (const [colour, line, dashes] of [
    ["#fff", 4, []],
    ["#111", 2, dash],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.setLineDash([...dashes]);
    context.strokeRect(left, top, right - left, bottom - top);
  }
}
