/** An attack or a student next to its reference: one card per layer, the headline, the region that turned most. */

import {
  mostChanged,
  readComparison,
  readTurnedMost,
  type ComparedLayer,
  type ComparedStep,
} from "../data/comparison";
import type { Count } from "../data/findings";
import type { Condition } from "../data/format";
import { h } from "../dom";
import type { ChangeView, Snapshot } from "../state/snapshot";
import { formatBitsCount, formatCount } from "./formatting";
import { lineChart, type Line, type LineChart } from "./line_chart";
import type { Panel } from "./panel";

const CARD = { width: 236, height: 104 };

export function makeComparison(change: ChangeView): Panel {
  const headline = h("p", { class: "finding headline" });
  const cards = h("div", { class: "comparison-cards" });
  const turned = h("p", { role: "status", class: "turned" });
  const find = h("button", { class: "tool wide", click: () => void showTurned() }, "Region that turned most");
  const key = h("p", { class: "key" });
  const element = h(
    "section",
    { class: "comparison", "aria-label": "Comparison" },
    headline,
    cards,
    h("div", { class: "comparison-foot" }, find, turned),
    key,
  );
  let last: Snapshot | null = null;
  let drawn = "";
  let all: Card[] = [];
  let said: number | null = null;
  const showTurned = async () => {
    if (!last) return;
    const { atlas, view } = last;
    const condition = atlas.condition(view.condition);
    const turn = await readTurnedMost(atlas, condition, view.layer).catch(() => null);
    turned.textContent = turn
      ? `It turned by ${turn.angle.toFixed(0)}° around the origin; a knowledge point before and after.`
      : "No region of this layer is a knowledge point before and after.";
    said = turn?.id ?? null;
    if (turn)
      change({ layer: view.layer, space: "regions", selection: [turn.id], step: condition.steps.length - 1 });
  };
  const update = async (snapshot: Snapshot) => {
    // A statement about a region is valid while that region is selected.
    if (said !== null && snapshot.view.selection.join() !== String(said)) {
      turned.textContent = "";
      said = null;
    }
    last = snapshot;
    const { atlas, view } = snapshot;
    const condition = atlas.condition(view.condition);
    if (condition.kind === "training") return;
    if (drawn !== condition.key) {
      const layers = await readComparison(atlas, condition);
      if (last !== snapshot) return;
      drawn = condition.key;
      turned.textContent = "";
      headline.textContent = comparisonHeadline(layers, condition);
      key.textContent = keyText(condition);
      all = makeCards(layers, condition, change);
      cards.replaceChildren(...all.map((card) => card.element));
    }
    for (const card of all) card.show(snapshot);
  };
  return { element, update: (snapshot) => void update(snapshot) };
}

/** The explanation of the numbers on the cards. */
function keyText({ kind }: Condition): string {
  const attack = kind === "attack";
  const images = attack
    ? "the attacked images, those that the network had classified correctly"
    : "the images";
  const presses = attack
    ? "Click a card for its layer, a chart for its step."
    : "Click a card for its layer.";
  return `Points: knowledge points per image; evidence: bits per region, below 0 where regions predict another class. Means over ${images}; bands, and numbers in brackets: 95 % intervals. ${presses}`;
}

/** The change in the layer that changes most. */
export function comparisonHeadline(layers: ComparedLayer[], condition: Condition): string {
  const most = mostChanged(layers);
  if (!layers.length) return "The data of this comparison cannot be read.";
  if (!most)
    return condition.kind === "attack"
      ? "The attack changes the reliable points of no layer beyond their intervals."
      : `${condition.name} and its teacher differ in no layer beyond the intervals of their reliable points.`;
  const [first, last] = [most.steps[0], most.steps[most.steps.length - 1]];
  const points = `${formatCount(first.counts.reliable)} reliable points per image become ${formatCount(last.counts.reliable)}`;
  const bits =
    first.bits && last.bits
      ? `, ${formatBitsCount(first.bits)} bits per region become ${formatBitsCount(last.bits)}`
      : "";
  const start =
    condition.kind === "attack"
      ? `The attack changes ${most.layer.name} most`
      : `${condition.name} differs from its teacher most in ${most.layer.name}`;
  const unmeasured =
    condition.kind === "attack"
      ? ""
      : " The intervals are over images: another training of either may differ by more.";
  return `${start}: ${points}${bits}.${unmeasured}`;
}

interface Card {
  element: HTMLElement;
  show(snapshot: Snapshot): void;
}

/** Cards on the same scales, so that layers can be compared. */
function makeCards(layers: ComparedLayer[], condition: Condition, change: ChangeView): Card[] {
  const values = (pick: (step: ComparedStep) => Count | null) =>
    layers.flatMap(({ steps }) => steps.map((step) => pick(step))).filter((count) => count !== null);
  const points = values(({ counts }) => counts.total).map(({ value, high }) => high || value);
  const bits = values((step) => step.bits);
  const scales = {
    points: [0, Math.max(1e-3, ...points)] as [number, number],
    bits: [Math.min(0, ...bits.map(({ low }) => low)), Math.max(1e-3, ...bits.map(({ high }) => high))] as [
      number,
      number,
    ],
  };
  const most = mostChanged(layers);
  return layers.map((layer) => makeCard(layer, condition, scales, layer === most, change));
}

function makeCard(
  compared: ComparedLayer,
  condition: Condition,
  scales: { points: [number, number]; bits: [number, number] },
  isMost: boolean,
  change: ChangeView,
): Card {
  const { layer, steps } = compared;
  const axis = { steps: condition.kind === "attack" ? condition.steps : steps.map(stepOf) };
  const points = lineChart(
    [
      line(
        "reliable",
        "var(--reliable)",
        steps.map(({ counts }) => counts.reliable),
        true,
      ),
      line(
        "all",
        "var(--total)",
        steps.map(({ counts }) => counts.total),
      ),
    ],
    { range: scales.points, ticks: ticksOf(scales.points), format: shortNumber },
    axis,
    CARD,
  );
  const bits = steps.every((step) => step.bits !== null)
    ? lineChart(
        [
          line(
            "evidence",
            "var(--ink)",
            steps.map((step) => step.bits as Count),
            true,
          ),
        ],
        { range: scales.bits, ticks: ticksOf(scales.bits), format: shortNumber, rule: 0 },
        axis,
        CARD,
      )
    : null;
  const charts = [points, ...(bits ? [bits] : [])];
  const name = h(
    "button",
    { class: "comparison-name", click: () => change({ layer: layer.key }) },
    layer.name,
  );
  const element = h(
    "div",
    { class: isMost ? "comparison-card most" : "comparison-card" },
    h(
      "div",
      { class: "comparison-head" },
      name,
      isMost && h("span", { class: "badge-most" }, "changes most"),
    ),
    h("p", { class: "comparison-numbers" }, numbersOf(compared)),
    points.element,
    bits?.element,
  );
  for (const chart of charts) listen(chart, condition, layer.key, change);
  return {
    element,
    show({ view }) {
      name.ariaPressed = String(view.layer === layer.key);
      element.classList.toggle("current", view.layer === layer.key);
      const now = condition.kind === "attack" ? view.step : 1;
      for (const chart of charts) chart.markStep(Math.min(now, steps.length - 1));
    },
  };
}

function listen(chart: LineChart, condition: Condition, layer: string, change: ChangeView): void {
  chart.element.addEventListener("click", (event) =>
    change({
      layer,
      ...(condition.kind === "attack" && { step: chart.stepUnder(event as MouseEvent) }),
    }),
  );
}

const stepOf = ({ name }: ComparedStep) => ({
  label: name,
  number: null,
  accuracy: null,
  residual: null,
  angle: null,
});

function line(name: string, colour: string, counts: Count[], strong = false): Line {
  return {
    name,
    colour,
    strong,
    values: counts.map(({ value }) => value),
    bounds: counts.map(({ low, high }) => [low, high]),
    ...(!strong && { dash: "3 2" }),
  };
}

function numbersOf({ steps }: ComparedLayer): string {
  const [first, last] = [steps[0], steps[steps.length - 1]];
  return `reliable ${formatCount(first.counts.reliable)} → ${formatCount(last.counts.reliable)}`;
}

/** Zero and the ends of a scale. */
function ticksOf([low, high]: [number, number]): number[] {
  return low < 0 ? [low, 0, high] : [0, high / 2, high];
}

function shortNumber(value: number): string {
  return value
    .toLocaleString("en", { maximumFractionDigits: Math.abs(value) < 10 ? 1 : 0 })
    .replace("-", "−");
}
