/** The curves, by Observable Plot: plain rows in, an SVG out. */

import * as Plot from "@observablehq/plot";
import type { Counts } from "./findings";

const STYLE = { background: "none", overflow: "visible", fontSize: "10px", color: "var(--soft)" };

export interface CurveRow extends Counts {
  step: number;
}

export interface Size {
  width: number;
  height: number;
}

/** Total and reliable points over the steps of a layer, with intervals and the step that is shown. */
export function layerCurve(
  rows: CurveRow[],
  now: number,
  most: number,
  marks: (step: number) => string,
  size: Size,
) {
  const last = rows.length - 1;
  const single = rows.length === 1;
  const band = (kind: "total" | "reliable", colour: string) =>
    (single ? Plot.ruleX : Plot.areaY)(rows, {
      x: "step",
      y1: (row: CurveRow) => row[kind].low,
      y2: (row: CurveRow) => row[kind].high,
      ...(single ? { stroke: colour, strokeWidth: 2 } : { fill: colour, fillOpacity: 0.22 }),
    });
  const line = (kind: "total" | "reliable", colour: string, dash: string) =>
    single
      ? Plot.dot(rows, { x: "step", y: (row: CurveRow) => row[kind].value, fill: colour, r: 4 })
      : Plot.line(rows, {
          x: "step",
          y: (row: CurveRow) => row[kind].value,
          stroke: colour,
          strokeWidth: 2,
          strokeDasharray: dash,
        });
  const here = rows[now];
  return Plot.plot({
    ...size,
    ...frameOf(size),
    style: STYLE,
    x: {
      domain: single ? [-1, 1] : [0, last],
      ticks: single ? [] : [0, last],
      tickFormat: marks,
      tickSize: 3,
      label: null,
    },
    y: { domain: [0, most], ticks: 3, tickSize: 0, grid: true, label: null },
    marks: [
      ...(here && !single ? [Plot.ruleX([now], { stroke: "var(--accent)", strokeOpacity: 0.6 })] : []),
      band("total", "var(--total)"),
      band("reliable", "var(--reliable)"),
      line("total", "var(--total)", "3 2"),
      line("reliable", "var(--reliable)", "none"),
      ...(here && !single
        ? [
            Plot.dot([here], {
              x: "step",
              y: (row: CurveRow) => row.reliable.value,
              fill: "var(--reliable)",
              r: 3.5,
            }),
          ]
        : []),
    ],
  });
}

const frameOf = ({ width }: Size) => ({
  marginLeft: 26,
  marginRight: Math.min(18, width / 5),
  marginTop: 6,
  marginBottom: 20,
});

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
  now: number,
  marks: (step: number) => string,
  width: number,
  left: number,
) {
  const classes = new Set(cells.map(({ place }) => place)).size;
  const steps = new Set(cells.map(({ step }) => step)).size;
  const most = Math.max(1e-9, ...cells.map(({ reliable }) => reliable));
  const row = 17;
  return Plot.plot({
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
      tickFormat: marks,
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
      Plot.rect([now], {
        x1: now - 0.5,
        x2: now + 0.5,
        y1: -0.5,
        y2: classes - 0.5,
        stroke: "var(--accent)",
        strokeWidth: 1.5,
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
}

/** A mix of two colours that are variables of the page's style, which no script can compute with. */
const shade = (share: number) =>
  `color-mix(in oklab, var(--cell-high) ${(100 * share).toFixed(1)}%, var(--cell-low))`;

export interface ProbabilityRow {
  step: number;
  name: string;
  p: number;
}

/** Probabilities of a few classes of one region over the steps. */
export function probabilityCurve(
  rows: ProbabilityRow[],
  colours: Map<string, string>,
  now: number,
  tau: number,
  marks: (step: number) => string,
  size: Size,
) {
  const last = Math.max(...rows.map(({ step }) => step));
  return Plot.plot({
    ...size,
    ...frameOf(size),
    style: STYLE,
    x: { domain: [0, last], ticks: [0, last], tickFormat: marks, tickSize: 3, label: null },
    y: { domain: [0, 1], ticks: [0, 0.5, 1], tickSize: 0, grid: true, label: null },
    color: { domain: [...colours.keys()], range: [...colours.values()] },
    marks: [
      Plot.ruleY([tau], { stroke: "var(--soft)", strokeDasharray: "2 2" }),
      Plot.ruleX([now], { stroke: "var(--accent)", strokeOpacity: 0.6 }),
      Plot.line(rows, { x: "step", y: "p", stroke: "name", strokeWidth: 2 }),
      Plot.dot(
        rows.filter(({ step }) => step === now),
        { x: "step", y: "p", fill: "name", r: 3.5 },
      ),
    ],
  });
}

/** The step under a pointer over a chart of so many steps. */
export function stepUnder(
  event: MouseEvent,
  chart: Element,
  steps: number,
  left: number,
  right: number,
): number {
  const box = chart.getBoundingClientRect();
  // The chart may be drawn smaller than it was made.
  const scale = box.width / Number(chart.getAttribute("width") ?? box.width);
  const share = (event.clientX - box.left - left * scale) / Math.max(1, box.width - (left + right) * scale);
  return Math.min(steps - 1, Math.max(0, Math.round(share * (steps - 1))));
}
