/** Knowledge points over training: for each layer, and for each class the step at which it emerges. */

import { classChart, layerCurve, stepUnder, type CurveRow } from "./charts";
import { h } from "./dom";
import { classSentence, countsAt, emergenceOrder, layerSentence, number } from "./findings";
import type { Condition, Layer } from "./format";
import { measureIn, shortened } from "./labels";
import { stepLabel, stepMark, type Change, type Panel, type Shown } from "./shown";
import { tabs } from "./tabs";

const WIDTH = 408;
const LAYER_WIDTH = 98;
const measure = measureIn("11px system-ui, sans-serif");

export function makeCurves(change: Change): Panel {
  const layers = layerPart(change);
  const classes = classPart(change);
  const choice = tabs("Knowledge points", [
    { name: "Layers", element: layers.element },
    { name: "Emergence", element: classes.element },
  ]);
  return {
    element: h("section", { class: "curves", "aria-label": "Curves" }, choice.element),
    update(shown) {
      layers.update(shown);
      classes.update(shown);
    },
  };
}

interface LayerRows {
  layer: Layer;
  rows: CurveRow[];
}

/** The counts of each layer of a condition; a layer whose counts cannot be read is left out. */
export async function countsOfLayers({ run, view }: Shown): Promise<LayerRows[]> {
  const condition = run.condition(view.condition);
  const read = condition.layers.map(async (key): Promise<LayerRows> => {
    const values = await run.read<Float32Array>(`layers/${key}/${condition.key}/counts`);
    const rows = condition.steps.map((_, step) => ({ step, ...countsAt(values, step) }));
    return { layer: run.layer(key), rows };
  });
  const settled = await Promise.allSettled(read);
  return settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
}

function layerPart(change: Change): Panel {
  const sentence = h("p", { class: "finding" });
  const charts = h("div", { class: "layer-charts" });
  const key = h(
    "p",
    { class: "key" },
    h("span", { class: "swatch-line reliable" }),
    "reliable",
    h("span", { class: "swatch-line total" }),
    "all knowledge points",
    h("span", {}, "· an image, with 95 % intervals"),
  );
  let told = "";
  const update = async (shown: Shown) => {
    const { view, run } = shown;
    const here = `${view.condition}/${view.step}/${view.layer}`;
    if (here === told) return;
    told = here;
    const condition = run.condition(view.condition);
    const found = await countsOfLayers(shown);
    if (here !== told) return;
    if (!found.length) return sentence.replaceChildren("The counts of this atlas cannot be read.");
    sentence.replaceChildren(
      layerSentence(
        found.map(({ layer }) => layer.name),
        found.map(({ rows }) => rows[view.step]),
        stepLabel(condition, view.step),
      ),
    );
    const most = Math.max(
      1e-3,
      ...found.flatMap(({ rows }) => rows.map(({ total }) => total.high || total.value || 0)),
    );
    const focus = charts.contains(document.activeElement)
      ? [...charts.children].indexOf(document.activeElement as Element)
      : -1;
    charts.replaceChildren(...found.map((each) => layerButton(each, condition, view, most, change)));
    (charts.children[focus] as HTMLElement | undefined)?.focus();
  };
  return { element: h("div", {}, sentence, charts, key), update: (shown) => void update(shown) };
}

function layerButton(
  { layer, rows }: LayerRows,
  condition: Condition,
  view: Shown["view"],
  most: number,
  change: Change,
): HTMLElement {
  const { reliable, total } = rows[view.step];
  const text = `${layer.name}: ${number(reliable.value)} reliable of ${number(total.value)} knowledge points an image`;
  const chart = layerCurve(
    rows,
    view.step,
    most,
    (step) => (condition.steps[step] ? stepMark(condition, step) : ""),
    { width: LAYER_WIDTH, height: 92 },
  );
  return h(
    "button",
    {
      class: "layer-chart",
      "aria-label": text,
      "aria-pressed": String(layer.key === view.layer),
      title: text,
      click: (event: MouseEvent) => {
        const byPointer = event.detail > 0 && chart.contains(event.target as Node);
        change({
          layer: layer.key,
          ...(byPointer && rows.length > 1 && { step: stepUnder(event, chart, rows.length, 26, 12) }),
        });
      },
    },
    h("span", { class: "layer-name" }, layer.name),
    h("span", { class: "layer-counts" }, h("b", {}, number(reliable.value)), ` of ${number(total.value)}`),
    chart,
  );
}

function classPart(change: Change): Panel {
  const sentence = h("p", { class: "finding" });
  const chart = h("div", { class: "class-chart" });
  const key = h(
    "p",
    { class: "key" },
    "A row a class, from the first to emerge to the last; a column a checkpoint. Darker: more reliable points an image. The dot: half of the class's images have one.",
  );
  let told = "";
  const update = async (shown: Shown) => {
    const { view, run } = shown;
    const here = `${view.layer}/${view.condition === "training" ? view.step : "end"}`;
    if (here === told) return;
    told = here;
    const training = run.attributes.conditions[0];
    const step = view.condition === training.key ? view.step : training.steps.length - 1;
    const path = `layers/${view.layer}/${training.key}`;
    const [first, counts] = await Promise.all([
      run.read<Float32Array>(`${path}/class_first`),
      run.read<Float32Array>(`${path}/class_counts`),
    ]).catch(() => [null, null]);
    if (here !== told) return;
    chart.replaceChildren();
    if (!first || !counts)
      return sentence.replaceChildren("This atlas does not say when the classes emerge in this layer.");
    const names = run.attributes.classes;
    const reliable = (each: number, at: number) =>
      countsAt(counts, at * names.length + each).reliable.value || 0;
    const order = emergenceOrder(first, reliable);
    const labels = training.steps.map((each) => each.label);
    sentence.replaceChildren(classSentence(run.layer(view.layer).name, names, order, first, labels));
    chart.replaceChildren(classRows(shown, { training, order, first, reliable, step }, change));
  };
  return { element: h("div", {}, sentence, chart, key), update: (shown) => void update(shown) };
}

interface Emergence {
  training: Condition;
  order: number[];
  first: Float32Array;
  /** Reliable points an image of a class at a step. */
  reliable: (each: number, step: number) => number;
  step: number;
}

function classRows({ run, marks, view }: Shown, emergence: Emergence, change: Change): HTMLElement {
  const { training, order, first, reliable, step: now } = emergence;
  const names = run.attributes.classes;
  const places = order.map((_, place) => order.length - 1 - place);
  const cells = order.flatMap((each, row) =>
    training.steps.map((_, step) => ({ place: places[row], step, reliable: reliable(each, step) })),
  );
  const firsts = order.flatMap((each, row) =>
    Number.isNaN(first[each]) ? [] : [{ place: places[row], first: first[each], colour: marks[each].colour }],
  );
  const left = Math.min(130, 16 + Math.max(...names.map(measure)));
  const drawn = classChart(
    cells,
    firsts,
    now,
    (step) => (training.steps[step] ? stepMark(training, step) : ""),
    WIDTH,
    left,
  );
  const rows = order.map((each) =>
    h(
      "button",
      {
        class: "class-row",
        "aria-pressed": String(view.filter.classes.includes(each)),
        title: Number.isNaN(first[each])
          ? `${names[each]}: does not emerge`
          : `${names[each]}: emerges at ${training.steps[Math.ceil(first[each])].label}`,
        style: `width:${left - 6}px`,
        click: () => change({ filter: { ...view.filter, classes: [each] }, colour: "true" }),
      },
      shortened(names[each], left - 14, measure),
    ),
  );
  drawn.addEventListener("click", (event) => {
    const box = drawn.getBoundingClientRect();
    const half = (box.width - left - 10) / training.steps.length / 2;
    change({
      condition: training.key,
      step: stepUnder(event as MouseEvent, drawn, training.steps.length, left + half, 10 + half),
    });
  });
  return h("div", { class: "class-grid" }, drawn, h("div", { class: "class-names" }, ...rows));
}
