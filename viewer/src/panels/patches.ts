/** The regions most similar to the one in focus, each as a patch of its image. */

import type { Grid } from "../data/format";
import type { Atlas } from "../data/atlas";
import type { Frame } from "../data/frame";
import { hasFeatures, nearestRegions, readFeatures, type FeatureCodes } from "../data/nearest";
import { isUninformed, storedProbability } from "../data/regions";
import type { Thumbnail } from "../data/thumbnails";
import { h } from "../dom";
import { selectRegion, type ChangeView, type Snapshot } from "../state/snapshot";
import { LIKENESSES } from "../state/view";
import { outlineBox } from "./box_outline";
import { formatP, formatPercent, formatPlace, predictedClass, stepLabel } from "./formatting";
import type { RegionPart } from "./region_curves";

const COUNT = 12;
/** Pixels of a patch, and regions around its own in each direction. */
const SIZE = 54,
  AROUND = 1;

export function makePatches(change: ChangeView): RegionPart {
  const list = h("div", { class: "patches" });
  const note = h("p", { class: "key" });
  const buttons = LIKENESSES.map((alike) =>
    h("button", { click: () => change({ alike }) }, alike === "feature" ? "by features" : "by embedding"),
  );
  const choice = h(
    "div",
    { class: "segments", role: "group", "aria-label": "Measure of similarity" },
    ...buttons,
  );
  const head = h("div", { class: "patches-head" }, h("h4", {}, "Most similar in this layer"), choice);
  const element = h("div", {}, head, list, note);
  let drawn: unknown[] = [];
  return {
    element,
    update(snapshot, region) {
      const { atlas, view } = snapshot;
      const offered = region !== null && offersFeatures(atlas, region.frame);
      const alike = offered ? view.alike : "embedding";
      const known = region !== null && (alike === "feature" || !isUninformed(region.frame, region.id));
      element.hidden = region === null || !(known || offered);
      choice.hidden = !offered;
      LIKENESSES.forEach((name, place) => (buttons[place].ariaPressed = String(name === alike)));
      if (element.hidden || !region) return;
      const now = [region.frame, region.id, alike];
      if (now.every((value, place) => value === drawn[place])) return;
      drawn = now;
      if (!known)
        return void show(
          snapshot,
          [],
          "This layer has no evidence about this image: its regions have no position.",
        );
      if (alike === "embedding") {
        const { region: places, regions } = region.frame;
        return void show(
          snapshot,
          nearestRegions(places, regions, region.id, COUNT),
          embeddingText(places.dimensions),
        );
      }
      void readFeatures(atlas, region.frame.layer.key)
        .then((codes) => {
          if (drawn !== now) return;
          show(
            snapshot,
            nearestRegions(codes, region.frame.regions, region.id, COUNT),
            featureText(region.frame, codes),
          );
        })
        .catch(() => drawn === now && show(snapshot, [], "The features of this layer cannot be read."));
    },
  };
  function show(snapshot: Snapshot, ids: number[], text: string): void {
    list.replaceChildren(...ids.map((id) => makePatch(snapshot, id, change)));
    note.textContent = text;
  }
}

/** Features are those of the last training step, of the clean images. */
function offersFeatures(atlas: Atlas, { condition, layer }: Frame): boolean {
  return condition.kind === "training" && hasFeatures(atlas, layer.key);
}

function embeddingText(dimensions: number): string {
  return `Nearest in all ${dimensions} dimensions of the embedding at this step, one per image; framed: the region.`;
}

function featureText({ condition, step }: Frame, codes: FeatureCodes): string {
  const when =
    step === codes.step
      ? "at this step"
      : `at ${stepLabel(condition, codes.step)}, the only step with features`;
  return `Nearest by the direction of the layer's features ${when}, one per image; by ${codes.dimensions} principal axes with ${formatPercent(codes.share)} of the variance. Framed: the region.`;
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
  outlineBox(context, [AROUND * side, AROUND * side, side, side]);
}
