/** Class probabilities of a region over the steps of a condition, and through the layers. */

import { sortClasses } from "../data/findings";
import { readTemperatures, type Frame } from "../data/frame";
import { readRegionPosterior } from "../data/regions";
import { h, replaceChildren } from "../dom";
import type { ChangeView, Snapshot } from "../state/snapshot";
import { samePlace } from "../state/view";
import { measureText, shorten } from "../text_width";
import { probabilityCurve, type Chart, type ProbabilityRow } from "./charts";
import { axisLabels, formatP, formatProbability, predictedClass, storedProbability } from "./formatting";

const CHART = { width: 184, height: 84 };
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

/** Curves of the region's most probable classes; drawn again for another region or other classes. */
export function makeStepCurve(change: ChangeView): RegionPart {
  const element = h("div", { class: "steps" });
  let chart: Chart | null = null;
  let drawn = "";
  let last: Snapshot;
  const draw = async (
    snapshot: Snapshot,
    { frame, id }: RegionContent,
    classes: number[],
    drawing: string,
  ) => {
    const curve = await stepCurve(snapshot, frame, id, classes);
    if (drawn !== drawing) return;
    chart = curve;
    const title = frame.condition.kind === "attack" ? "Over the attack" : "Over training";
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
      const classes = region ? sortClasses(region.probabilities).slice(0, 3) : [];
      const drawing = region
        ? `${region.frame.condition.key}/${region.frame.layer.key}/${region.id}/${classes}`
        : "";
      if (drawing === drawn) return chart?.markStep(snapshot.view.step);
      drawn = drawing;
      chart = null;
      if (region) void draw(snapshot, region, classes, drawing);
      else element.replaceChildren();
    },
  };
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

/** Probabilities of some classes at each step of the condition; null where it has one step alone. */
async function stepCurve(
  { atlas, marks }: Snapshot,
  frame: Frame,
  id: number,
  classes: number[],
): Promise<Chart | null> {
  const { condition, layer } = frame;
  if (condition.steps.length < 2) return null;
  const rowsAt = async (step: number): Promise<ProbabilityRow[]> => {
    const key = { condition: condition.key, layer: layer.key, step };
    const probabilities = await readRegionPosterior(atlas, key, id);
    return classes.map((label, curve) => ({ step, curve, p: probabilities[label] }));
  };
  // A damaged step is a gap in the curve.
  const rows: ProbabilityRow[] = [];
  for (let step = 0; step < condition.steps.length; step++)
    rows.push(
      ...(await rowsAt(step).catch(() => classes.map((_, curve) => ({ step, curve, p: Number.NaN })))),
    );
  const colours = classes.map((label) => marks[label].colour);
  return probabilityCurve(rows, colours, atlas.attributes.tau, axisLabels(condition), CHART);
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
        click: () => change({ layer: key, selection: [region] }),
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
