/** Knowledge points over the steps: a card a layer, and beside them the emergence of the classes. */

import { layerCurve } from "./charts";
import { h, widthOf } from "./dom";
import { makeEmergence } from "./emergence";
import { countsOfLayers, number, type LayerRows } from "./findings";
import type { Condition } from "./format";
import { layerSentence } from "./sentences";
import { stepLabel, stepMarks, type Change, type Panel, type Shown } from "./shown";
import { tabs } from "./tabs";

/** Pixels of a card and of what lies between two. */
const NARROWEST = 84,
  WIDEST = 200,
  GAP = 4,
  HEIGHT = 92;

export function makeCurves(change: Change): Panel {
  const layers = layerPart(change);
  const classes = makeEmergence(change);
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
  let last: Shown | null = null;
  let cards: LayerCard[] = [];
  let madeFor = "";
  const update = async (shown: Shown) => {
    last = shown;
    const { view, run } = shown;
    const found = await countsOfLayers(run, view.condition);
    if (last !== shown || !width()) return;
    const condition = run.condition(view.condition);
    const wanted = `${condition.key} ${width()}`;
    if (madeFor !== wanted) {
      madeFor = wanted;
      cards = layerCards(found, condition, width(), change);
      charts.replaceChildren(...cards.map(({ element }) => element));
      charts.style.gridTemplateColumns = `repeat(auto-fill, ${cards[0]?.width ?? 0}px)`;
    }
    for (const card of cards) card.show(view);
    sentence.replaceChildren(
      found.length
        ? layerSentence(
            found.map(({ layer }) => layer.name),
            found.map(({ rows }) => rows[view.step]),
            stepLabel(condition, view.step),
          )
        : "The counts of this atlas cannot be read.",
    );
  };
  const width = widthOf(charts, () => last && void update(last));
  return { element: h("div", {}, sentence, charts, key), update: (shown) => void update(shown) };
}

interface LayerCard {
  element: HTMLElement;
  width: number;
  show(view: Shown["view"]): void;
}

/** A card a layer, as wide as the room allows. */
function layerCards(found: LayerRows[], condition: Condition, across: number, change: Change): LayerCard[] {
  const columns = Math.max(1, Math.min(found.length, Math.floor((across + GAP) / (NARROWEST + GAP))));
  const width = Math.min(WIDEST, Math.floor((across - GAP * (columns - 1)) / columns));
  const high = ({ rows }: LayerRows) => rows.map(({ total }) => total.high || total.value || 0);
  const most = Math.max(1e-3, ...found.flatMap(high));
  return found.map((each) => layerCard(each, condition, most, width, change));
}

function layerCard(
  { layer, rows }: LayerRows,
  condition: Condition,
  most: number,
  width: number,
  change: Change,
): LayerCard {
  const chart = layerCurve(rows, most, stepMarks(condition), { width: width - 2, height: HEIGHT });
  const counts = h("span", { class: "layer-counts" });
  const pressed = (event: MouseEvent) => {
    const onCurve = event.detail > 0 && rows.length > 1 && chart.element.contains(event.target as Node);
    change({ layer: layer.key, ...(onCurve && { step: chart.stepUnder(event) }) });
  };
  const element = h(
    "button",
    { class: "layer-chart", click: pressed },
    h("span", { class: "layer-name" }, layer.name),
    counts,
    chart.element,
  );
  return {
    element,
    width,
    show(view) {
      const { reliable, total } = rows[view.step];
      counts.replaceChildren(h("b", {}, number(reliable.value)), ` of ${number(total.value)}`);
      element.title =
        element.ariaLabel = `${layer.name}: ${number(reliable.value)} reliable of ${number(total.value)} knowledge points an image`;
      element.ariaPressed = String(layer.key === view.layer);
      chart.show(view.step);
    },
  };
}
