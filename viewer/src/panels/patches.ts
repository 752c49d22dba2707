/** The regions most alike to the one in focus, each as a patch of its image. */

import type { Grid } from "../data/format";
import { nearestRegions } from "../data/nearest";
import { isUninformed } from "../data/regions";
import type { Thumbnail } from "../data/thumbnails";
import { h } from "../dom";
import { selectRegion, type ChangeView, type Snapshot } from "../state/snapshot";
import { formatP, formatPlace, predictedClass, storedProbability } from "./formatting";
import type { RegionPart } from "./region_curves";

const COUNT = 12;
/** Pixels of a patch, and regions around its own in each direction. */
const SIZE = 54,
  AROUND = 1;

export function makePatches(change: ChangeView): RegionPart {
  const list = h("div", { class: "patches" });
  const note = h("p", { class: "key" });
  const element = h("div", {}, h("h4", {}, "Most alike in this layer"), list, note);
  let drawn: unknown[] = [];
  return {
    element,
    update(snapshot, region) {
      const known = region !== null && !isUninformed(region.frame, region.id);
      element.hidden = !known;
      if (!known || (drawn[0] === region.frame && drawn[1] === region.id)) return;
      drawn = [region.frame, region.id];
      const ids = nearestRegions(region.frame, region.id, COUNT);
      list.replaceChildren(...ids.map((id) => makePatch(snapshot, id, change)));
      note.textContent = `Nearest in all ${region.frame.region.dimensions} dimensions of the embedding at this step, one per image; framed: the region.`;
    },
  };
}

function makePatch(snapshot: Snapshot, id: number, change: ChangeView): HTMLElement {
  const { atlas, frame, clean } = snapshot;
  const canvas = h("canvas", { width: 2 * SIZE, height: 2 * SIZE, "aria-hidden": "true" });
  if (!frame) return canvas;
  const [image, region] = [Math.floor(id / frame.regions), id % frame.regions];
  const { classes } = atlas.attributes;
  const p = formatP(storedProbability(frame.confidence[id]));
  const text = `Image ${image} (${classes[atlas.labels[image]]}), ${formatPlace(region, frame.grid[1])}: ${predictedClass(frame, id, classes)}, ${p}`;
  void Promise.resolve(clean.get(image))
    .then((thumbnail) => thumbnail && drawPatch(canvas, thumbnail, frame.grid, region))
    .catch(() => null);
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

/** The region with those around it; beyond the edge of the image the patch stays empty. */
function drawPatch(
  canvas: HTMLCanvasElement,
  { bitmap, width, height }: Thumbnail,
  [rows, columns]: Grid,
  region: number,
): void {
  // Not drawn by the GPU, which would make a layer of the page of each.
  const context = canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  const [row, column] = [Math.floor(region / columns), region % columns];
  const [across, down] = [width / columns, height / rows];
  const side = canvas.width / (2 * AROUND + 1);
  const first = { row: Math.max(0, row - AROUND), column: Math.max(0, column - AROUND) };
  const last = { row: Math.min(rows - 1, row + AROUND), column: Math.min(columns - 1, column + AROUND) };
  const [wide, high] = [last.column - first.column + 1, last.row - first.row + 1];
  context.drawImage(
    bitmap,
    ...([first.column * across, first.row * down, wide * across, high * down] as const),
    ...([(first.column - column + AROUND) * side, (first.row - row + AROUND) * side] as const),
    wide * side,
    high * side,
  );
  for (const [colour, line] of [
    ["#fff", 5],
    ["#111", 2],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.strokeRect(AROUND * side, AROUND * side, side, side);
  }
}
