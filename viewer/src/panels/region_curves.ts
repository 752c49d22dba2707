/** Class probabilities of a region over the steps of a condition, and through the layers. */

import { sortClasses } from "../data/findings";
import { readTemperatures, type Frame } from "../data/frame";
import { readRegionPosterior, storedProbability } from "../data/regions";
import { h, replaceChildren } from "../dom";
import type { ChangeView, Snapshot } from "../state/snapshot";
import { samePlace } from "../state/view";
import { measureText, shorten } from "../text_width";
import { lineChart, type LineChart } from "./line_chart";
import { formatP, formatProbability, predictedClass } from "./formatting";

const CHART = { width: 210, height: 130 };
/** Pixels for the name of a class in a row. */
const NAME_WIDTH = 56;
const measure = measureText("11px system-ui, sans-serif");

const KIND_NAMES = {
  reliable: "reliable point",
  unreliable: "unreliable point",
  none: "no knowledge point",
} as const;

/** A region of a frame. */
export interface RegionContent {
  frame: Frame;
  id: number;
  probabilities: number[];
}

/** A part of the panel that shows a region, or nothing. */
export interface RegionPart {
  element: HTMLElement;
  update(snapshot: Snapshot, region: RegionContent | null): void;
}

/** Fewest lines of a region. */
const LEAST_LINES = 3;

/** The classes that are drawn of a region: some that always are, and the most probable now until there are three. */
export function drawnClasses(always: number[], now: number[]): number[] {
  const drawn = new Set([...always, now[0]]);
  for (const label of now) if (drawn.size < LEAST_LINES) drawn.add(label);
  return [...drawn];
}

/** Curves of a region's classes over the steps; drawn again for another region or other classes. */
export function makeStepCurve(change: ChangeView): RegionPart {
  const element = h("div", { class: "steps" });
  let chart: LineChart | null = null;
  let drawn = "";
  let last: Snapshot;
  const draw = async (snapshot: Snapshot, region: RegionContent, drawing: string) => {
    const curve = await stepCurve(snapshot, region);
    if (drawn !== drawing) return;
    chart = curve;
    const title = region.frame.condition.kind === "attack" ? "Over the attack" : "Over training";
    element.replaceChildren(...(curve ? [h("h4", {}, title), curve.element] : []));
    curve?.element.addEventListener("click", (event) =>
      change({ step: curve.stepUnder(event as MouseEvent) }),
    );
    curve?.markStep(last.view.step);
  };
  return {
    element,
    update(snapshot, region) {
      last = snapshot;
      const drawing = region ? drawingOf(snapshot, region) : "";
      if (drawing === drawn) return chart?.markStep(snapshot.view.step);
      drawn = drawing;
      chart = null;
      if (region) void draw(snapshot, region, drawing);
      else element.replaceChildren();
    },
  };
}

/** What a drawing depends on; the class that wins now and the network's decision may differ at each step. */
function drawingOf({ atlas }: Snapshot, { frame, id, probabilities }: RegionContent): string {
  const image = Math.floor(id / frame.regions);
  const now = sortClasses(probabilities).slice(0, LEAST_LINES);
  const { condition, layer } = frame;
  return [condition.key, layer.key, id, atlas.labels[image], frame.predictions[image], now].join("/");
}

/** The region in each layer. */
export function makeLayerRows(change: ChangeView): RegionPart {
  const element = h("div", { class: "depth" });
  let last: Snapshot;
  return {
    element,
    update(snapshot, region) {
      last = snapshot;
      if (!region) return element.replaceChildren();
      void layerRows(snapshot, region.frame, region.id, change).then((rows) => {
        if (snapshot === last)
          replaceChildren(element, ...(rows.length ? [h("h4", {}, "Through the layers"), ...rows] : []));
      });
    },
  };
}

/** Probabilities of a region's classes at each step of the condition; null where it has one step alone. */
async function stepCurve(
  { atlas, marks }: Snapshot,
  { frame, id, probabilities }: RegionContent,
): Promise<LineChart | null> {
  const { condition, layer, regions, predictions } = frame;
  if (condition.steps.length < 2) return null;
  const all: (number[] | null)[] = [];
  for (let step = 0; step < condition.steps.length; step++)
    // A damaged step is a gap in the curves.
    all.push(
      await readRegionPosterior(atlas, { condition: condition.key, layer: layer.key, step }, id).catch(
        () => null,
      ),
    );
  const image = Math.floor(id / regions);
  const [truth, decision] = [atlas.labels[image], predictions[image]];
  const [winner] = sortClasses(all[all.length - 1] ?? probabilities);
  // The final winner is drawn at all steps, so that what is drawn before can be followed to the end.
  const drawn = drawnClasses([truth, decision, winner], sortClasses(probabilities));
  const lines = drawn.map((label) => ({
    name: `${atlas.attributes.classes[label]}${label === truth ? " (true)" : ""}`,
    colour: marks[label].colour,
    values: all.map((posterior) => posterior?.[label] ?? Number.NaN),
    strong: label === truth,
  }));
  const axis = {
    range: [0, 1] as [number, number],
    ticks: [0, 0.5, 1],
    format: String,
    rule: atlas.attributes.tau,
  };
  return lineChart(lines, axis, condition, CHART);
}

/** The region at the same place in each layer, and what it predicts there. */
async function layerRows(
  { atlas, view, marks }: Snapshot,
  frame: Frame,
  id: number,
  change: ChangeView,
): Promise<Node[]> {
  const { condition, step } = frame;
  if (condition.layers.length < 2) return [];
  const rows = condition.layers.map(async (key) => {
    const region = samePlace(id, frame.grid, atlas.grid(condition.key, key));
    const read = (name: string) => atlas.read<Uint8Array>(`layers/${key}/${condition.key}/${name}`, step);
    const [category, confidence, knowledge, temperatures] = await Promise.all([
      read("category"),
      read("confidence"),
      read("knowledge"),
      readTemperatures(atlas, condition.key, key, step),
    ]);
    const [rows, columns] = atlas.grid(condition.key, key);
    const layer = atlas.layer(key).name;
    const source = { temperatures, category, regions: rows * columns };
    const name = predictedClass(source, region, atlas.attributes.classes);
    const p = storedProbability(confidence[region]);
    const kind = knowledge[region] & 2 ? "reliable" : knowledge[region] & 1 ? "unreliable" : "none";
    return h(
      "button",
      {
        class: "depth-row",
        "aria-pressed": String(key === view.layer),
        title: `${layer}: ${name}, ${formatP(p)}, ${KIND_NAMES[kind]}`,
        click: () => change({ layer: key, space: "regions", selection: [region] }),
      },
      h("span", { class: "depth-layer" }, layer),
      h("span", {
        class: `depth-mark ${kind}`,
        style: `--mark:${marks[category[region]].colour}`,
        role: "img",
        "aria-label": KIND_NAMES[kind],
      }),
      h("span", { class: "depth-class" }, shorten(name, NAME_WIDTH, measure)),
      h("span", { class: "depth-p" }, formatProbability(p)),
    );
  });
  const settled = await Promise.allSettled(rows);
  return settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}
