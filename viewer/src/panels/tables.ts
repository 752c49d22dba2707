/** The numbers behind the pictures as tables, as a text alternative. */

import { readLayerCounts } from "../data/findings";
import type { Frame } from "../data/frame";
import { bitsAt, stabilityAt, storedProbability } from "../data/regions";
import { h } from "../dom";
import { concernsRegions, isActive, passing } from "../state/facets";
import type { Snapshot } from "../state/snapshot";
import type { View } from "../state/view";
import { galleryOrder } from "./gallery";
import {
  formatBits,
  formatBitsCount,
  formatInterval,
  formatKind,
  formatNumber,
  formatPlace,
  formatProbability,
  predictedClass,
  stepLabel,
  storedCertainty,
} from "./formatting";
import type { Panel } from "./panel";

const MOST_ROWS = 200;

export function makeTables(): Panel {
  const counts = h("div", { class: "scrolls" });
  const regions = h("div", { class: "scrolls" });
  const details = h(
    "details",
    { class: "tables" },
    h("summary", {}, "Tables"),
    h("h3", {}, "Evidence, and knowledge points per image"),
    counts,
    h("h3", { class: "of-image" }, "Regions"),
    regions,
  );
  const title = details.querySelector(".of-image") as HTMLElement;
  let last: Snapshot | null = null;
  const render = async () => {
    if (!details.open || !last) return;
    const snapshot = last;
    title.textContent = titleOf(snapshot.view);
    regions.replaceChildren(regionTable(snapshot));
    const table = await countsTable(snapshot);
    if (snapshot === last) counts.replaceChildren(table);
  };
  // The event "toggle" comes later; the tables have to be filled as soon as the summary is pressed.
  details.querySelector("summary")?.addEventListener("click", (event) => {
    event.preventDefault();
    details.open = !details.open;
    void render();
  });
  return {
    element: h("section", { "aria-label": "Tables" }, details),
    update(snapshot) {
      last = snapshot;
      void render();
    },
  };
}

function titleOf({ selection, space, image, filter }: View): string {
  if (selection.length > 1) return "Selected points";
  const passed = isActive(filter) ? " that pass the filter" : "";
  return space === "images" ? `Images${passed}` : `Regions of image ${image}${passed}`;
}

function table(head: string[], rows: (string | number)[][], caption: string): HTMLElement {
  return h(
    "table",
    {},
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, ...head.map((name) => h("th", { scope: "col" }, name)))),
    h(
      "tbody",
      {},
      ...rows.map(([first, ...others]) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, String(first)),
          ...others.map((cell) => h("td", {}, String(cell))),
        ),
      ),
    ),
  );
}

async function countsTable({ atlas, view }: Snapshot): Promise<HTMLElement> {
  const condition = atlas.condition(view.condition);
  const counts = await readLayerCounts(atlas, view.condition);
  if (!counts.length) return h("p", {}, "The counts of this atlas cannot be read.");
  const measured = counts.some(({ rows }) => rows.some(({ told }) => told));
  const bits = measured ? ["evidence (bits per region)", "readable"] : [];
  const rows = counts.flatMap(({ layer, rows: steps }) =>
    steps.map(({ step, told, total, reliable, ratio }) => [
      layer.name,
      stepLabel(condition, step),
      ...(measured
        ? [told ? formatBitsCount(told.evidence) : "–", told ? formatBitsCount(told.readable) : "–"]
        : []),
      formatNumber(total.value),
      formatInterval(total),
      formatNumber(reliable.value),
      formatInterval(reliable),
      formatNumber(ratio.value),
    ]),
  );
  return table(
    ["layer", "step", ...bits, "total", "95 % interval", "reliable", "95 % interval", "ratio"],
    rows,
    condition.name,
  );
}

function regionTable(snapshot: Snapshot): HTMLElement {
  const { view, frame, atlas } = snapshot;
  if (!frame) return h("p", {}, snapshot.problem ?? "");
  if (view.space === "images") return imageTable(snapshot, frame);
  const ids = listedRegions(snapshot, frame);
  const rows = ids
    .slice(0, MOST_ROWS)
    .map((id) => [
      id,
      Math.floor(id / frame.regions),
      formatPlace(id % frame.regions, frame.grid[1]),
      predictedClass(frame, id, atlas.attributes.classes),
      formatProbability(storedProbability(frame.confidence[id])),
      formatKind(frame, id),
      ...(frame.bits ? [formatBits(bitsAt(frame, id) as number)] : []),
      ...(frame.stability ? [formatStability(frame, id)] : []),
    ]);
  return table(
    [
      ...["point", "image", "region", "predicted class", "p", "knowledge point"],
      ...(frame.bits ? ["bits"] : []),
      ...(frame.stability ? ["refits"] : []),
    ],
    rows,
    `${frame.layer.name}, ${stepLabel(frame.condition, frame.step)}${moreThan(ids)}`,
  );
}

/** The selected regions, or those of the image in view that pass the filter. */
function listedRegions({ atlas, view }: Snapshot, frame: Frame): number[] {
  if (view.selection.length > 1) return view.selection;
  const { regions } = passing(frame, view.filter, atlas.labels);
  const first = view.image * frame.regions;
  return Array.from({ length: frame.regions }, (_, region) => first + region).filter((id) => regions[id]);
}

const moreThan = (rows: unknown[]) =>
  rows.length > MOST_ROWS ? ` (first ${MOST_ROWS} of ${rows.length}; the saved table has all)` : "";

/** The images that pass the filter or are selected, in the order of the gallery. */
function imageTable(snapshot: Snapshot, frame: Frame): HTMLElement {
  const { view, atlas } = snapshot;
  const { classes } = atlas.attributes;
  const { images } = passing(frame, view.filter, atlas.labels);
  const counted = concernsRegions(view.filter);
  const order = galleryOrder(snapshot);
  const rows = order
    .slice(0, MOST_ROWS)
    .map((image) => [
      image,
      atlas.names[image],
      classes[atlas.labels[image]],
      classes[frame.predictions[image]],
      ...(frame.certainty ? [formatProbability(storedCertainty(frame.certainty[image]))] : []),
      ...(counted ? [images[image]] : []),
    ]);
  return table(
    [
      ...["image", "name", "true class", "predicted class"],
      ...(frame.certainty ? ["p"] : []),
      ...(counted ? ["regions that pass"] : []),
    ],
    rows,
    `${stepLabel(frame.condition, frame.step)}${moreThan(order)}`,
  );
}

/** The refits in which a region is a point of its class: 5 of 6. */
function formatStability(frame: Frame, id: number): string {
  const { points, refits } = stabilityAt(frame, id) as { points: number; refits: number };
  return `${points} of ${refits}`;
}
