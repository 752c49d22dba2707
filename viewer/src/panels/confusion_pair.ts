/** One class taken for another, over the steps and in all layers, with the answer to when and where they part. */

import { APART, partingStep, readPair, type PairLayer, type PairRow } from "../data/confusions";
import type { Condition } from "../data/format";
import { h, widthOf } from "../dom";
import type { ChangeView, Snapshot } from "../state/snapshot";
import type { View } from "../state/view";
import { formatPercent, formatPercentCount, joinWords, stepLabel } from "./formatting";
import { lineChart, type LineChart } from "./line_chart";
import type { Panel } from "./panel";

const HEIGHT = 170,
  WIDEST = 560;

/** The pair of different classes that the filter names, or null. */
export function pairOf({ filter }: View): [number, number] | null {
  const [truth, predicted] = [filter.classes, filter.regions];
  return truth.length === 1 && predicted.length === 1 && truth[0] !== predicted[0]
    ? [truth[0], predicted[0]]
    : null;
}

export function makeConfusionPair(change: ChangeView): Panel {
  const title = h("h3", {});
  const answer = h("p", { class: "finding", "aria-live": "polite" });
  const container = h("div", { class: "pair-chart" });
  const toSpace = h(
    "button",
    { class: "small", click: () => change({ tab: "space" }) },
    "Show the two in the space",
  );
  const element = h("div", { class: "pair", hidden: true }, title, answer, container, toSpace);
  let last: Snapshot | null = null;
  let read: { key: string; layers: Promise<PairLayer[]> } | null = null;
  let chart: LineChart | null = null;
  let drawn = "";
  const update = async (snapshot: Snapshot) => {
    last = snapshot;
    const { view, atlas } = snapshot;
    const pair = pairOf(view);
    element.hidden = !pair;
    if (!pair) return;
    const key = `${view.condition}/${pair}/${view.counted}`;
    if (read?.key !== key) read = { key, layers: readPair(atlas, view.condition, pair, view.counted) };
    const layers = await read.layers;
    if (last !== snapshot || !width()) return;
    const drawing = `${key}/${view.layer}/${width()}`;
    if (drawn !== drawing) {
      drawn = drawing;
      const names = pair.map((label) => atlas.attributes.classes[label]) as [string, string];
      const condition = atlas.condition(view.condition);
      title.textContent = `${names[0]} taken for ${names[1]}: share of the ${names[0]} ${view.counted === "regions" ? "regions" : "knowledge points"}`;
      answer.textContent = pairSentence(layers, condition, names);
      chart = pairChart(layers, condition, view.layer, Math.min(WIDEST, width()));
      container.replaceChildren(chart.element);
      listen(chart, layers, change);
    }
    chart?.markStep(view.step);
  };
  const width = widthOf(container, () => last && void update(last));
  return { element, update: (snapshot) => void update(snapshot) };
}

function listen(chart: LineChart, layers: PairLayer[], change: ChangeView): void {
  chart.element.addEventListener("click", (event) => {
    const line = chart.lineUnder(event as MouseEvent);
    change({
      step: chart.stepUnder(event as MouseEvent),
      ...(line >= 0 && { layer: layers[line].layer.key }),
    });
  });
}

function pairChart(layers: PairLayer[], condition: Condition, current: string, width: number): LineChart {
  const highest = Math.max(0.05, ...layers.flatMap(({ rows }) => rows.map(({ taken }) => taken.value || 0)));
  const most = Math.min(1, Math.ceil(highest * 10 + 0.5) / 10);
  const lines = layers.map(({ layer, rows }) => {
    const at = new Map(rows.map((row) => [row.step, row.taken]));
    const taken = condition.steps.map((_, step) => at.get(step));
    const strong = layer.key === current;
    return {
      name: layer.name,
      colour: strong ? "var(--accent)" : "var(--soft)",
      values: taken.map((count) => count?.value ?? Number.NaN),
      ...(strong && {
        strong,
        bounds: taken.map((count): [number, number] => [count?.low ?? Number.NaN, count?.high ?? Number.NaN]),
      }),
    };
  });
  const format = (value: number) => `${Math.round(100 * value)} %`;
  const axis = { range: [0, most] as [number, number], ticks: [0, most / 2, most], format };
  return lineChart(lines, axis, condition, { width, height: HEIGHT });
}

/** When and where two classes part, with the rule; in a comparison, where most regions are taken for the other class. */
export function pairSentence(layers: PairLayer[], condition: Condition, names: [string, string]): string {
  return condition.kind === "training"
    ? partingSentence(layers, condition, names)
    : comparisonSentence(layers, condition, names);
}

function partingSentence(layers: PairLayer[], condition: Condition, [one, other]: [string, string]): string {
  const rule = `of the regions that predict one of the two, at least ${formatPercent(APART)} are right in both classes, from then to the end`;
  const parted = layers
    .map(({ layer, rows }) => ({ name: layer.name, step: partingStep(rows) }))
    .filter((found): found is { name: string; step: number } => found.step !== null);
  const ends = layers.map(({ layer, rows }) => ({ name: layer.name, row: rows[rows.length - 1] }));
  if (!parted.length) {
    const best = ends.reduce((most, end) => (leastOwn(end.row) > leastOwn(most.row) ? end : most));
    const least = leastOwn(best.row);
    const nearest = least > 0 ? ` ${best.name} comes nearest, with ${formatPercent(least)} at the end.` : "";
    return `${one} and ${other} part in no layer. Rule: ${rule}.${nearest}`;
  }
  const first = parted.reduce((best, found) => (found.step < best.step ? found : best));
  const also = parted.filter((found) => found !== first);
  const never = layers
    .filter(({ layer }) => parted.every(({ name }) => name !== layer.name))
    .map(({ layer }) => layer.name);
  const later = also.map(({ name, step }) => `${name} (${stepLabel(condition, step)})`);
  const others = [
    ...(later.length ? [` Also in ${joinWords(later)}.`] : []),
    ...(never.length ? [` Not in ${joinWords(never)}.`] : []),
  ].join("");
  return `${one} and ${other} part in ${first.name} at ${stepLabel(condition, first.step)}.${others} Rule: ${rule}.`;
}

/** The smaller of the two shares of right regions; 0 where too few regions predict one of the two. */
function leastOwn({ own, enough }: PairRow): number {
  return enough ? Math.min(...own.map(({ value }) => value || 0)) : 0;
}

function comparisonSentence(
  layers: PairLayer[],
  condition: Condition,
  [one, other]: [string, string],
): string {
  const changes = layers.map(({ layer, rows }) => ({
    name: layer.name,
    first: rows[0],
    last: rows[rows.length - 1],
  }));
  // Where no region is counted there is no share.
  const size = (value: number) => (Number.isNaN(value) ? -1 : Math.abs(value));
  const change = ({ first, last }: (typeof changes)[number]) => size(last.taken.value - first.taken.value);
  const most = changes.reduce((best, found) => (change(found) > change(best) ? found : best));
  if (change(most) < 0) return `No layer has regions of ${one} to count before and after.`;
  if (condition.steps.length > 1)
    return `${one} taken for ${other} changes most in ${most.name}: ${formatPercentCount(most.first.taken)} at ${stepLabel(condition, most.first.step)}, ${formatPercentCount(most.last.taken)} at ${stepLabel(condition, most.last.step)}.`;
  const largest = changes.reduce((best, found) =>
    size(found.last.taken.value) > size(best.last.taken.value) ? found : best,
  );
  return `${one} is taken for ${other} most in ${largest.name}: ${formatPercentCount(largest.last.taken)} of its regions.`;
}
