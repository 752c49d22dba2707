/** The numbers behind the pictures as tables: for reading aloud, and to save. */

import { h } from "./dom";
import { countsOfLayers, number, placeWords, probability, storedProbability } from "./findings";
import { shownPositions, type Frame } from "./frame";
import { stepLabel, type Panel, type Shown } from "./shown";

const LONGEST = 200;

export function makeTables(): Panel {
  const counts = h("div", { class: "scrolls" });
  const regions = h("div", { class: "scrolls" });
  const details = h(
    "details",
    { class: "tables" },
    h("summary", {}, "Tables"),
    h("h3", {}, "Knowledge points an image"),
    counts,
    h("h3", { class: "of-image" }, "Regions"),
    regions,
  );
  const title = details.querySelector(".of-image") as HTMLElement;
  let last: Shown | null = null;
  const render = async () => {
    if (!details.open || !last) return;
    const shown = last;
    title.textContent =
      shown.view.selection.length > 1 ? "Chosen points" : `Regions of image ${shown.view.image}`;
    regions.replaceChildren(regionTable(shown));
    const found = await countsTable(shown);
    if (shown === last) counts.replaceChildren(found);
  };
  // By hand: the event "toggle" comes a moment later, and a table is to be there when its summary was pressed.
  details.querySelector("summary")?.addEventListener("click", (event) => {
    event.preventDefault();
    details.open = !details.open;
    void render();
  });
  return {
    element: h("section", { "aria-label": "Tables" }, details),
    update(shown) {
      last = shown;
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
          ...others.map((each) => h("td", {}, String(each))),
        ),
      ),
    ),
  );
}

async function countsTable(shown: Shown): Promise<HTMLElement> {
  const condition = shown.run.condition(shown.view.condition);
  const found = await countsOfLayers(shown.run, shown.view.condition);
  if (!found.length) return h("p", {}, "The counts of this atlas cannot be read.");
  const rows = found.flatMap(({ layer, rows: steps }) =>
    steps.map(({ step, total, reliable, ratio }) => [
      layer.name,
      stepLabel(condition, step),
      number(total.value),
      `${number(total.low)} to ${number(total.high)}`,
      number(reliable.value),
      `${number(reliable.low)} to ${number(reliable.high)}`,
      number(ratio.value),
    ]),
  );
  return table(
    ["layer", "step", "all", "95 % interval", "reliable", "95 % interval", "share"],
    rows,
    condition.name,
  );
}

function regionTable(shown: Shown): HTMLElement {
  const { view, frame, run } = shown;
  if (!frame) return h("p", {}, shown.problem ?? "");
  if (view.space === "images") return h("p", {}, "Points are images here; choose regions to list them.");
  const ids =
    view.selection.length > 1
      ? view.selection
      : Array.from({ length: frame.regions }, (_, region) => view.image * frame.regions + region);
  const rows = ids
    .slice(0, LONGEST)
    .map((id) => [
      id,
      Math.floor(id / frame.regions),
      placeWords(id % frame.regions, frame.grid[1]),
      run.attributes.classes[frame.category[id]],
      probability(storedProbability(frame.confidence[id])),
      kindOf(frame, id),
    ]);
  const more =
    ids.length > LONGEST ? ` (the first ${LONGEST} of ${ids.length}; all are in the saved table)` : "";
  return table(
    ["point", "image", "region", "says", "p", "knowledge point"],
    rows,
    `${frame.layer.name}, ${stepLabel(frame.condition, frame.step)}${more}`,
  );
}

function kindOf({ knowledge }: Frame, id: number): string {
  return knowledge[id] & 2 ? "reliable" : knowledge[id] & 1 ? "unreliable" : "no";
}

/** The points that are shown or chosen as lines of CSV: what they are, what they say, where they lie. */
export function pointLines(shown: Shown, visible: Uint8Array): string[] {
  const { run, view, frame } = shown;
  if (!frame) return [];
  const {
    names,
    labels,
    attributes: { classes },
  } = run;
  const { all, dimensions, scale } = shownPositions(frame, view.space);
  const axes = Array.from({ length: dimensions }, (_, axis) => `x${axis + 1}`);
  const regional = view.space === "regions";
  const own = regional
    ? ["row", "column", "says", "p", "knowledge_point", ...(frame.trajectory ? ["path"] : [])]
    : [];
  const chosen = new Set(view.selection);
  const heads = ["point", "image", "name", "true_class", "predicted_class", "chosen", ...own, ...axes];
  const lines = [heads.join(",")];
  for (let id = 0; id < visible.length; id++) {
    if (!visible[id] && !chosen.has(id)) continue;
    const image = regional ? Math.floor(id / frame.regions) : id;
    const region = id % frame.regions;
    const says = [
      Math.floor(region / frame.grid[1]),
      region % frame.grid[1],
      quoted(classes[frame.category[id]]),
      (frame.confidence[id] / 255).toFixed(3),
      kindOf(frame, id),
      ...(frame.trajectory ? [frame.trajectory[id]] : []),
    ];
    const place = axes.map((_, axis) => Number((scale * all[dimensions * id + axis]).toPrecision(5)));
    lines.push(
      [
        id,
        image,
        quoted(names[image]),
        quoted(classes[labels[image]]),
        quoted(classes[frame.predictions[image]]),
        Number(chosen.has(id)),
        ...(regional ? says : []),
        ...place,
      ].join(","),
    );
  }
  return lines;
}

export function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
