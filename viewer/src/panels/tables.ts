/** The numbers behind the pictures as tables, as a text alternative. */

import { readLayerCounts } from "../data/findings";
import type { Frame } from "../data/frame";
import { bitsAt, stabilityAt } from "../data/regions";
import { h } from "../dom";
import type { Snapshot } from "../state/snapshot";
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
  storedProbability,
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
    title.textContent =
      snapshot.view.selection.length > 1 ? "Selected points" : `Regions of image ${snapshot.view.image}`;
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
  if (view.space === "images")
    return h("p", {}, "The points are images; set Points to regions to list regions.");
  const ids =
    view.selection.length > 1
      ? view.selection
      : Array.from({ length: frame.regions }, (_, region) => view.image * frame.regions + region);
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
  const more =
    ids.length > MOST_ROWS ? ` (first ${MOST_ROWS} of ${ids.length}; the saved table has all)` : "";
  return table(
    [
      ...["point", "image", "region", "predicted class", "p", "knowledge point"],
      ...(frame.bits ? ["bits"] : []),
      ...(frame.stability ? ["refits"] : []),
    ],
    rows,
    `${frame.layer.name}, ${stepLabel(frame.condition, frame.step)}${more}`,
  );
}

/** The refits in which a region is a point of its class: 5 of 6. */
function formatStability(frame: Frame, id: number): string {
  const { points, refits } = stabilityAt(frame, id) as { points: number; refits: number };
  return `${points} of ${refits}`;
}
