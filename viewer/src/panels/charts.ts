/** The charts, by Observable Plot: rows in, an SVG out that is drawn once and then marks the current step. */

import * as Plot from "@observablehq/plot";
import { s } from "../dom";

const STYLE = { background: "none", overflow: "visible", fontSize: "10px", color: "var(--soft)" };

export interface Chart {
  element: Element;
  /** Mark the current step. */
  markStep(step: number): void;
  /** The step under a pointer. */
  stepUnder(event: MouseEvent): number;
}

export interface Size {
  width: number;
  height: number;
}

export interface ProbabilityRow {
  step: number;
  /** Index of the class among the colours. */
  curve: number;
  p: number;
}

/** Probabilities of a few classes of one region over the steps. */
export function probabilityCurve(
  rows: ProbabilityRow[],
  colours: string[],
  tau: number,
  label: (step: number) => string,
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
      ...stepAxis(steps, label),
      Plot.ruleY([tau], { stroke: "var(--soft)", strokeDasharray: "2 2" }),
      Plot.line(rows, {
        x: "step",
        y: "p",
        z: "curve",
        stroke: ({ curve }: ProbabilityRow) => colours[curve],
        strokeWidth: 2,
      }),
    ],
    color: { type: "identity" },
  });
  return withRule(plot, steps, size, (now) =>
    rows.flatMap(({ step, curve, p }) =>
      step === now && Number.isFinite(p) ? [{ value: p, colour: colours[curve] }] : [],
    ),
  );
}

const marginsOf = ({ width }: Size) => ({
  marginLeft: 26,
  marginRight: Math.min(10, width / 8),
  marginTop: 6,
  marginBottom: 20,
});

/** Labels of the first and the last step, inside the frame. */
function stepAxis(steps: number, label: (step: number) => string) {
  const end = (step: number, textAnchor: "start" | "end") =>
    Plot.axisX([step], { tickFormat: label, tickSize: 3, label: null, textAnchor });
  return [end(0, "start"), end(steps - 1, "end")];
}

type PlotElement = ReturnType<typeof Plot.plot>;

/** Add a rule at the current step, and dots on the lines there. */
function withRule(
  plot: PlotElement,
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
    markStep(step) {
      const cx = pixelOf(plot, "x", step);
      rule.setAttribute("x1", String(cx));
      rule.setAttribute("x2", String(cx));
      dots.replaceChildren(
        ...dotsAt(step)
          .filter(({ value }) => Number.isFinite(value))
          .map(({ value, colour }) =>
            s("circle", { cx, cy: pixelOf(plot, "y", value), r: 3.5, fill: colour }),
          ),
      );
    },
    stepUnder: (event) => stepUnder(event, plot, steps),
  };
}

export interface ClassCell {
  /** Row from the bottom. */
  row: number;
  step: number;
  reliable: number;
}

export interface ClassFirst {
  row: number;
  first: number;
  colour: string;
}

/** One row of cells per class, darker for more reliable points per image, and a dot where the class emerges. */
export function classChart(
  cells: ClassCell[],
  firsts: ClassFirst[],
  label: (step: number) => string,
  { width, left }: { width: number; left: number },
): Chart {
  const classes = new Set(cells.map(({ row }) => row)).size;
  const steps = new Set(cells.map(({ step }) => step)).size;
  const most = Math.max(1e-9, ...cells.map(({ reliable }) => reliable));
  const rowHeight = 17;
  const plot = Plot.plot({
    width,
    height: classes * rowHeight + 26,
    marginLeft: left,
    marginRight: 10,
    marginTop: 4,
    marginBottom: 22,
    style: STYLE,
    x: {
      type: "linear",
      domain: [-0.5, steps - 0.5],
      ticks: steps > 1 ? [0, steps - 1] : [0],
      tickFormat: label,
      tickSize: 3,
      label: null,
    },
    y: { type: "linear", domain: [-0.5, classes - 0.5], axis: null },
    color: { type: "identity" },
    marks: [
      Plot.rect(cells, {
        x1: (d: ClassCell) => d.step - 0.5,
        x2: (d: ClassCell) => d.step + 0.5,
        y1: (d: ClassCell) => d.row - 0.5,
        y2: (d: ClassCell) => d.row + 0.5,
        fill: (d: ClassCell) => shade(d.reliable / most),
        inset: 0.75,
      }),
      Plot.dot(firsts, {
        x: "first",
        y: "row",
        r: 4.5,
        fill: "colour",
        stroke: "var(--paper)",
        strokeWidth: 1.5,
      }),
    ],
  });
  hide(plot);
  const column = s("rect", { class: "now-column", y: 4, height: classes * rowHeight });
  if (steps > 1) plot.append(column);
  return {
    element: plot,
    markStep(step) {
      const start = pixelOf(plot, "x", step - 0.5);
      column.setAttribute("x", String(start));
      column.setAttribute("width", String(pixelOf(plot, "x", step + 0.5) - start));
    },
    stepUnder: (event) => stepUnder(event, plot, steps),
  };
}

/** A mix of two colours of the theme, which are CSS variables. */
const shade = (share: number) =>
  `color-mix(in oklab, var(--cell-high) ${(100 * share).toFixed(1)}%, var(--cell-low))`;

/** Hide a chart from screen readers, which have the sentences, button names and tables. */
function hide(plot: PlotElement): void {
  plot.setAttribute("aria-hidden", "true");
}

function pixelOf(plot: PlotElement, axis: "x" | "y", value: number): number {
  return plot.scale(axis)?.apply(value) as number;
}

/** The step under the pointer; the chart may be scaled down. */
function stepUnder(event: MouseEvent, plot: PlotElement, steps: number): number {
  const box = plot.getBoundingClientRect();
  const drawn = box.width / Number(plot.getAttribute("width") ?? box.width);
  const step = plot.scale("x")?.invert?.((event.clientX - box.left) / (drawn || 1)) as number;
  return Math.min(steps - 1, Math.max(0, Math.round(step)));
}
