/** The curves, by Observable Plot: plain rows in, an SVG out that is drawn once and then told which step is shown. */

import * as Plot from "@observablehq/plot";
import { s } from "./dom";
import type { LayerRows } from "./findings";

type CurveRow = LayerRows["rows"][number];

const STYLE = { background: "none", overflow: "visible", fontSize: "10px", color: "var(--soft)" };

export interface Chart {
  element: Element;
  /** Mark a step as the one that is shown. */
  show(step: number): void;
  /** The step under a pointer. */
  stepUnder(event: MouseEvent): number;
}

export interface Size {
  width: number;
  height: number;
}

/** Total and reliable points over the steps of a layer, with intervals. */
export function layerCurve(
  rows: LayerRows["rows"],
  most: number,
  name: (step: number) => string,
  size: Size,
): Chart {
  const single = rows.length === 1;
  const value = (kind: "total" | "reliable") => (row: CurveRow) => row[kind].value;
  const band = (kind: "total" | "reliable", colour: string) =>
    (single ? Plot.ruleX : Plot.areaY)(rows, {
      x: "step",
      y1: (row: CurveRow) => row[kind].low,
      y2: (row: CurveRow) => row[kind].high,
      ...(single ? { stroke: colour, strokeWidth: 2 } : { fill: colour, fillOpacity: 0.22 }),
    });
  const line = (kind: "total" | "reliable", colour: string, dash: string) =>
    single
      ? Plot.dot(rows, { x: "step", y: value(kind), fill: colour, r: 4 })
      : Plot.line(rows, { x: "step", y: value(kind), stroke: colour, strokeWidth: 2, strokeDasharray: dash });
  const plot = Plot.plot({
    ...size,
    ...marginsOf(size),
    style: STYLE,
    x: { domain: single ? [-1, 1] : [0, rows.length - 1], axis: null },
    y: { domain: [0, most], ticks: 3, tickSize: 0, grid: true, label: null },
    marks: [
      ...(single ? [] : stepAxis(rows.length, name)),
      band("total", "var(--total)"),
      band("reliable", "var(--reliable)"),
      line("total", "var(--total)", "3 2"),
      line("reliable", "var(--reliable)", "none"),
    ],
  });
  const marked = (step: number) => [{ value: rows[step].reliable.value, colour: "var(--reliable)" }];
  return withRule(plot, rows.length, size, single ? () => [] : marked);
}

export interface ProbabilityRow {
  step: number;
  place: number;
  p: number;
}

/** Probabilities of a few classes of one region over the steps; `place` is the class's place among `colours`. */
export function probabilityCurve(
  rows: ProbabilityRow[],
  colours: string[],
  tau: number,
  name: (step: number) => string,
  size: Size,
): Chart {
  const steps = Math.max(...rows.map(({ step }) => step)) + 1;
  const plot = Plot.plot({
    ...size,
    ...marginsOf(size),
    style: STYLE,
    x: { domain: [0, steps - 1] },
    y: { domain: [0, 1], ticks: [0, 0.5, 1], tickSize: 0, grid: true, label: null },
    marks: [
      ...stepAxis(steps, name),
      Plot.ruleY([tau], { stroke: "var(--soft)", strokeDasharray: "2 2" }),
      Plot.line(rows, {
        x: "step",
        y: "p",
        z: "place",
        stroke: ({ place }: ProbabilityRow) => colours[place],
        strokeWidth: 2,
      }),
    ],
    color: { type: "identity" },
  });
  return withRule(plot, steps, size, (now) =>
    rows.flatMap(({ step, place, p }) =>
      step === now && Number.isFinite(p) ? [{ value: p, colour: colours[place] }] : [],
    ),
  );
}

const marginsOf = ({ width }: Size) => ({
  marginLeft: 26,
  marginRight: Math.min(10, width / 8),
  marginTop: 6,
  marginBottom: 20,
});

/** First and last step, written inside the frame. */
function stepAxis(steps: number, name: (step: number) => string) {
  const end = (step: number, textAnchor: "start" | "end") =>
    Plot.axisX([step], { tickFormat: name, tickSize: 3, label: null, textAnchor });
  return [end(0, "start"), end(steps - 1, "end")];
}

type Plotted = ReturnType<typeof Plot.plot>;

/** A rule at the step that is shown, and dots on the lines there. */
function withRule(
  plot: Plotted,
  steps: number,
  size: Size,
  dotsAt: (step: number) => { value: number; colour: string }[],
): Chart {
  const { marginTop, marginBottom } = marginsOf(size);
  hide(plot);
  const rule = s("line", { class: "now-rule", y1: marginTop, y2: size.height - marginBottom });
  const dots = s("g", {});
  if (steps > 1) plot.append(rule, dots);
  return {
    element: plot,
    show(step) {
      const cx = placeOn(plot, "x", step);
      rule.setAttribute("x1", String(cx));
      rule.setAttribute("x2", String(cx));
      dots.replaceChildren(
        ...dotsAt(step)
          .filter(({ value }) => Number.isFinite(value))
          .map(({ value, colour }) =>
            s("circle", { cx, cy: placeOn(plot, "y", value), r: 3.5, fill: colour }),
          ),
      );
    },
    stepUnder: (event) => stepUnder(event, plot, steps),
  };
}

export interface ClassCell {
  place: number;
  step: number;
  reliable: number;
}

export interface ClassFirst {
  place: number;
  first: number;
  colour: string;
}

/** Classes from the first to emerge to the last: a row of cells each, darker for more reliable points an image. */
export function classChart(
  cells: ClassCell[],
  firsts: ClassFirst[],
  name: (step: number) => string,
  { width, left }: { width: number; left: number },
): Chart {
  const classes = new Set(cells.map(({ place }) => place)).size;
  const steps = new Set(cells.map(({ step }) => step)).size;
  const most = Math.max(1e-9, ...cells.map(({ reliable }) => reliable));
  const row = 17;
  const plot = Plot.plot({
    width,
    height: classes * row + 26,
    marginLeft: left,
    marginRight: 10,
    marginTop: 4,
    marginBottom: 22,
    style: STYLE,
    x: {
      type: "linear",
      domain: [-0.5, steps - 0.5],
      ticks: steps > 1 ? [0, steps - 1] : [0],
      tickFormat: name,
      tickSize: 3,
      label: null,
    },
    y: { type: "linear", domain: [-0.5, classes - 0.5], axis: null },
    color: { type: "identity" },
    marks: [
      Plot.rect(cells, {
        x1: (d: ClassCell) => d.step - 0.5,
        x2: (d: ClassCell) => d.step + 0.5,
        y1: (d: ClassCell) => d.place - 0.5,
        y2: (d: ClassCell) => d.place + 0.5,
        fill: (d: ClassCell) => shade(d.reliable / most),
        inset: 0.75,
      }),
      Plot.dot(firsts, {
        x: "first",
        y: "place",
        r: 4.5,
        fill: "colour",
        stroke: "var(--paper)",
        strokeWidth: 1.5,
      }),
    ],
  });
  hide(plot);
  const column = s("rect", { class: "now-column", y: 4, height: classes * row });
  if (steps > 1) plot.append(column);
  return {
    element: plot,
    show(step) {
      const start = placeOn(plot, "x", step - 0.5);
      column.setAttribute("x", String(start));
      column.setAttribute("width", String(placeOn(plot, "x", step + 0.5) - start));
    },
    stepUnder: (event) => stepUnder(event, plot, steps),
  };
}

/** A mix of two colours that are variables of the page's style, which no script can compute with. */
const shade = (share: number) =>
  `color-mix(in oklab, var(--cell-high) ${(100 * share).toFixed(1)}%, var(--cell-low))`;

/** Sentences, names of buttons and the tables say to those who listen what a chart shows. */
function hide(plot: Plotted): void {
  plot.setAttribute("aria-hidden", "true");
}

function placeOn(plot: Plotted, axis: "x" | "y", value: number): number {
  return plot.scale(axis)?.apply(value) as number;
}

/** The step under a pointer over a chart, which may be drawn smaller than it was made. */
function stepUnder(event: MouseEvent, plot: Plotted, steps: number): number {
  const box = plot.getBoundingClientRect();
  const drawn = box.width / Number(plot.getAttribute("width") ?? box.width);
  const step = plot.scale("x")?.invert?.((event.clientX - box.left) / (drawn || 1)) as number;
  return Math.min(steps - 1, Math.max(0, Math.round(step)));
}
