/** Knowledge points over the steps: one card per layer, and the emergence of the classes. */

import { readLayerCounts, type LayerCounts } from "../data/findings";
import type { Condition } from "../data/format";
import { h, widthOf } from "../dom";
import type { ChangeView, Snapshot } from "../state/snapshot";
import { layerCurve } from "./charts";
import { makeEmergence } from "./emergence";
import { axisLabels, formatBits, formatBitsCount, formatNumber, stepLabel } from "./formatting";
import type { Panel } from "./panel";
import { evidenceSentence, networkSentence, pointsSentence } from "./sentences";
import { tabs } from "./tabs";

/** Widths and height of a card and the gap between cards, in pixels. */
const NARROWEST = 84,
  WIDEST = 200,
  GAP = 4,
  HEIGHT = 92;

export function makeCurves(change: ChangeView): Panel {
  const layers = makeLayerCurves(change);
  const classes = makeEmergence(change);
  const choice = tabs("Knowledge points", [
    { name: "Layers", element: layers.element },
    { name: "Emergence", element: classes.element },
  ]);
  return {
    element: h("section", { class: "curves", "aria-label": "Curves" }, choice.element),
    update(snapshot) {
      layers.update(snapshot);
      classes.update(snapshot);
    },
  };
}

function makeLayerCurves(change: ChangeView): Panel {
  const finding = h("div", { class: "finding" });
  const charts = h("div", { class: "layer-charts" });
  const bits = h("span", { class: "key-bits" }, h("b", {}, "evidence"), " of readable, bits per region");
  const key = h(
    "p",
    { class: "key" },
    bits,
    h("span", { class: "swatch-line reliable" }),
    "reliable",
    h("span", { class: "swatch-line total" }),
    "all knowledge points",
    h("span", {}, "· per image, with 95 % intervals"),
  );
  let last: Snapshot | null = null;
  let cards: LayerCard[] = [];
  let drawn = "";
  const update = async (snapshot: Snapshot) => {
    last = snapshot;
    const { view, atlas } = snapshot;
    const counts = await readLayerCounts(atlas, view.condition);
    if (last !== snapshot || !width()) return;
    const condition = atlas.condition(view.condition);
    const drawing = `${condition.key} ${width()}`;
    if (drawn !== drawing) {
      drawn = drawing;
      cards = layerCards(counts, condition, width(), change);
      charts.replaceChildren(...cards.map(({ element }) => element));
      charts.style.gridTemplateColumns = `repeat(auto-fill, ${cards[0]?.width ?? 0}px)`;
    }
    for (const card of cards) card.show(view);
    bits.hidden = !counts.some(({ rows }) => rows.some(({ told }) => told));
    finding.replaceChildren(...sentencesOf(snapshot, counts).map((text) => h("p", {}, text)));
  };
  const width = widthOf(charts, () => last && void update(last));
  return { element: h("div", {}, finding, charts, key), update: (snapshot) => void update(snapshot) };
}

/** Evidence first, then the points of the layer in view, then what their intervals do not cover. */
function sentencesOf({ atlas, view }: Snapshot, counts: LayerCounts[]): string[] {
  const condition = atlas.condition(view.condition);
  if (!counts.length) return ["The counts of this atlas cannot be read."];
  const layers = counts.map(({ layer, rows }) => ({ name: layer.name, told: rows[view.step].told }));
  const sentences = [
    evidenceSentence(layers, stepLabel(condition, view.step), atlas.attributes.evidence ?? null),
  ];
  const own = counts.find(({ layer }) => layer.key === view.layer);
  if (own) {
    const chance = own.chance && {
      found: own.chance,
      step: stepLabel(condition, condition.steps.length - 1),
    };
    sentences.push(pointsSentence(own.layer.name, own.rows[view.step], chance));
  }
  return [...sentences, networkSentence(atlas.attributes.networks)];
}

interface LayerCard {
  element: HTMLElement;
  width: number;
  show(view: Snapshot["view"]): void;
}

/** One card per layer, as wide as the space allows. */
function layerCards(
  counts: LayerCounts[],
  condition: Condition,
  available: number,
  change: ChangeView,
): LayerCard[] {
  const columns = Math.max(1, Math.min(counts.length, Math.floor((available + GAP) / (NARROWEST + GAP))));
  const width = Math.min(WIDEST, Math.floor((available - GAP * (columns - 1)) / columns));
  const high = ({ rows }: LayerCounts) => rows.map(({ total }) => total.high || total.value || 0);
  const most = Math.max(1e-3, ...counts.flatMap(high));
  return counts.map((layer) => layerCard(layer, condition, most, width, change));
}

function layerCard(
  { layer, rows }: LayerCounts,
  condition: Condition,
  most: number,
  width: number,
  change: ChangeView,
): LayerCard {
  const chart = layerCurve(rows, most, axisLabels(condition), { width: width - 2, height: HEIGHT });
  const counts = h("span", { class: "layer-counts" });
  const bits = rows.some(({ told }) => told) ? h("span", { class: "layer-counts layer-bits" }) : null;
  const choose = (event: MouseEvent) => {
    const onCurve = event.detail > 0 && rows.length > 1 && chart.element.contains(event.target as Node);
    change({ layer: layer.key, ...(onCurve && { step: chart.stepUnder(event) }) });
  };
  const element = h(
    "button",
    { class: "layer-chart", click: choose },
    h("span", { class: "layer-name" }, layer.name),
    bits,
    counts,
    chart.element,
  );
  return {
    element,
    width,
    show(view) {
      const { reliable, total, told } = rows[view.step];
      bits?.replaceChildren(
        ...(told
          ? [h("b", {}, formatBits(told.evidence.value)), ` of ${formatBits(told.readable.value)}`]
          : []),
      );
      const evidence = told
        ? `${formatBitsCount(told.evidence)} bits per region of ${formatBitsCount(told.readable)} readable, `
        : "";
      counts.replaceChildren(h("b", {}, formatNumber(reliable.value)), ` of ${formatNumber(total.value)}`);
      element.title =
        element.ariaLabel = `${layer.name}: ${evidence}${formatNumber(reliable.value)} reliable of ${formatNumber(total.value)} knowledge points per image`;
      element.ariaPressed = String(layer.key === view.layer);
      chart.markStep(view.step);
    },
  };
}
