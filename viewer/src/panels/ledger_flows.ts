/** The flows of a layer: bands between two bars, and a table with counts and bits whose rows filter. */

import type { Count } from "../data/findings";
import { MOVES, type Flow, type Ledger, type Move } from "../data/ledger";
import { freshId, h, s } from "../dom";
import { isFlow, type Became, type Filter } from "../state/facets";
import { changeDigits, formatChangeCount, formatCount } from "./formatting";

/** Shows the regions of one flow: of points of some classes before, and of some now; again shows all. */
export type ChooseFlow = (flow: Became, was?: number[], regions?: number[]) => void;

/** What the two sides are called. */
export interface Ends {
  before: string;
  after: string;
}

export const FLOW_NAMES: Record<Flow, string> = {
  learnt: "learnt",
  relearnt: "relearnt",
  changed: "changed class",
  kept: "kept",
  forgotten: "forgotten",
  none: "no point",
};
const FLOW_TITLES: Record<Move, string> = {
  learnt: "A knowledge point for the first time",
  relearnt: "A knowledge point again, after one at an earlier step",
  changed: "A knowledge point of another class than before",
  kept: "A knowledge point of the same class as before",
  forgotten: "No longer a knowledge point",
};
/** From the top of the diagram to its foot. */
const ORDER: Move[] = ["learnt", "relearnt", "forgotten", "changed", "kept"];

const HEIGHT = 150,
  TOP = 34,
  BAR = 10,
  NARROW = 420;

/** Bars of all points before and after; what is kept runs between them, the rest grows into or runs out of one. */
export function flowDiagram(
  ledger: Ledger,
  ends: Ends,
  width: number,
  choose: ChooseFlow,
  filter: Filter,
): SVGElement {
  const id = freshId("flow");
  const unit = width < NARROW ? "points" : "points per image";
  const of = (flow: Move) => ledger.points[flow].value || 0;
  const most = Math.max(ledger.before.value, ledger.after.value, 1e-9);
  const y = (value: number) => TOP + (HEIGHT - TOP) * (1 - value / most);
  const [left, right] = [BAR, width - BAR];
  const middle = (left + right) / 2;
  const stays = of("kept") + of("changed");
  const again = stays + of("relearnt");
  const paths: Record<Move, string> = {
    kept: level(left, right, y(0), y(of("kept"))),
    changed: level(left, right, y(of("kept")), y(stays)),
    forgotten: wedge(left, middle, [y(stays), y(stays + of("forgotten"))], y(stays)),
    relearnt: wedge(right, middle, [y(stays), y(again)], y(stays)),
    learnt: wedge(right, middle, [y(again), y(again + of("learnt"))], y(stays)),
  };
  const bands = ORDER.filter((flow) => of(flow) > 0).map((flow) =>
    s(
      "path",
      {
        d: paths[flow],
        class: `flow-band ${isChosen(filter, flow) ? "chosen" : ""}`,
        fill: `url(#${id}-${flow})`,
        click: () => choose(flow),
      },
      s("title", {}, `${FLOW_NAMES[flow]}: ${formatCount(ledger.points[flow])} points per image`),
    ),
  );
  const bar = (x: number, { value }: Count) =>
    s("rect", { x: x - BAR / 2, y: y(value), width: BAR, height: y(0) - y(value), class: "flow-bar" });
  return s(
    "svg",
    {
      class: "flow-diagram",
      width,
      height: HEIGHT + 6,
      viewBox: `0 0 ${width} ${HEIGHT + 6}`,
      "aria-hidden": "true",
    },
    s("defs", {}, ...MOVES.map((flow) => flowPattern(`${id}-${flow}`, flow))),
    ...bands,
    bar(left, ledger.before),
    bar(right, ledger.after),
    endText(0, "start", ends.before, ledger.before, unit),
    endText(width, "end", ends.after, ledger.after, unit),
  );
}

function endText(x: number, anchor: string, name: string, count: Count, unit: string): SVGElement {
  const line = (y: number, text: string, strong: boolean) =>
    s("text", { x, y, "text-anchor": anchor, class: strong ? "flow-end" : "flow-count" }, text);
  return s("g", {}, line(11, name, true), line(26, `${formatCount(count)} ${unit}`, false));
}

function level(left: number, right: number, low: number, high: number): string {
  return `M${left} ${low}H${right}V${high}H${left}Z`;
}

/** A band of full height at a bar that ends in a point half way to the other one. */
function wedge(bar: number, middle: number, [low, high]: [number, number], foot: number): string {
  const bend = (bar + middle) / 2;
  return `M${bar} ${low}C${bend} ${low} ${bend} ${foot} ${middle} ${foot}C${bend} ${foot} ${bend} ${high} ${bar} ${high}Z`;
}

/** The look of a flow: solid or grey, dotted, hatched or crossed, so that none is distinguished by its shade alone. */
function flowPattern(id: string, flow: Move): SVGPatternElement {
  const marks: Record<Move, SVGElement[]> = {
    learnt: [],
    relearnt: [s("circle", { cx: 3, cy: 3, r: 1.2, class: "flow-dot" })],
    changed: [s("path", { d: "M-1 7L7 -1M-1 1L1 -1M5 7L7 5", class: "flow-line" })],
    kept: [],
    forgotten: [s("path", { d: "M0 0L6 6M0 6L6 0", class: "flow-line" })],
  };
  return s(
    "pattern",
    { id, width: 6, height: 6, patternUnits: "userSpaceOnUse" },
    s("rect", { width: 6, height: 6, class: `flow-${flow}` }),
    ...marks[flow],
  );
}

/** A number and its interval, which is broken nowhere: neither at its spaces nor at its dash. */
function numberParts(text: string): (string | Node)[] {
  const [value, interval] = text.split(" (");
  return interval ? [`${value} `, h("span", { class: "flow-interval" }, `(${interval}`)] : [value];
}

/** A small square of the look of a flow. */
export function flowSwatch(flow: Move): HTMLElement {
  return h("span", { class: `flow-swatch look-${flow}`, "aria-hidden": "true" });
}

const isChosen = (filter: Filter, flow: Move) => isFlow(filter, flow, [], []);

/**
 * Each flow with its regions per image and by how much its evidence grew; the bits of all add up to the last row.
 * `again`: whether regions can be relearnt, that is, whether there are steps before the first of the two.
 */
export function flowTable(ledger: Ledger, choose: ChooseFlow, filter: Filter, again: boolean): HTMLElement {
  const { points, bits, growth } = ledger;
  const digits = changeDigits([...(bits ? Object.values(bits) : []), ...(growth ? [growth] : [])]);
  const row = (name: Node, count: string, told: Count | null) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, name),
      h("td", {}, ...numberParts(count)),
      bits && h("td", {}, ...numberParts(told ? formatChangeCount(told, digits) : "–")),
    );
  const button = (flow: Move) =>
    h(
      "button",
      {
        class: "flow-button",
        title: FLOW_TITLES[flow],
        "aria-label": `Show regions: ${FLOW_NAMES[flow]}`,
        "aria-pressed": String(isChosen(filter, flow)),
        click: () => choose(flow),
      },
      flowSwatch(flow),
      FLOW_NAMES[flow],
    );
  const heads = ["points per image", ...(bits ? ["evidence gained, bits per region"] : [])];
  return h(
    "table",
    { class: "flow-table" },
    h("thead", {}, h("tr", {}, h("td", {}), ...heads.map((text) => h("th", { scope: "col" }, text)))),
    h(
      "tbody",
      {},
      ...ORDER.filter((flow) => flow !== "relearnt" || again).map((flow) =>
        row(button(flow), formatCount(points[flow]), bits && bits[flow]),
      ),
      bits && row(h("span", {}, "no point at either"), "", bits.none),
      growth && row(h("b", {}, "all regions"), "", growth),
    ),
  );
}
