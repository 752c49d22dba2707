/** Lines over the steps in true spacing, each with its name at its end, and a rule at the current step. */

import * as Plot from "@observablehq/plot";
import type { Condition } from "../data/format";
import { nearestStep, stepPositions } from "../data/steps";
import { s } from "../dom";
import { measureText, shorten } from "../text_width";
import { hide, pixelOf, type Chart, type PlotElement, type Size } from "./charts";
import { axisLabels } from "./formatting";

export interface Line {
  name: string;
  colour: string;
  /** One per step; NaN leaves a gap. */
  values: number[];
  /** The 95 % interval of each value, drawn as a band. */
  bounds?: [low: number, high: number][];
  /** Drawn thicker, with its name in ink. */
  strong?: boolean;
  dash?: string;
}

export interface Axis {
  /** The lowest and the highest value. */
  range: [low: number, high: number];
  ticks: number[];
  format: (value: number) => string;
  /** A dashed line across. */
  rule?: number;
}

export interface LineChart extends Chart {
  /** Index of the line that is nearest to the pointer at the step under it. */
  lineUnder(event: MouseEvent): number;
}

const FONT = 11;
const LABEL_HEIGHT = 12;
/** Pixels between the end of a line and its name, and most pixels for a name. */
const GAP = 6,
  WIDEST = 84;
const MARGINS = { marginLeft: 30, marginTop: 8, marginBottom: 20 };
const measure = measureText(`${FONT}px system-ui, sans-serif`);

export function lineChart(
  lines: Line[],
  axis: Axis,
  condition: Pick<Condition, "steps">,
  { width, height }: Size,
): LineChart {
  const positions = stepPositions(condition);
  const single = positions.length === 1;
  const names = lines.map(({ name }) => shorten(name, WIDEST, measure));
  const marginRight = GAP + 4 + Math.max(...names.map(measure));
  const rows = lines.flatMap(({ values, bounds }, line) =>
    values.map((value, step) => ({
      line,
      x: positions[step],
      value,
      low: bounds?.[step][0],
      high: bounds?.[step][1],
    })),
  );
  const inner = height - MARGINS.marginTop - MARGINS.marginBottom;
  const ends = placeEnds(
    lines.map(({ values }) => lastValue(values)),
    axis.range,
    inner,
  );
  const plot = Plot.plot({
    ...MARGINS,
    width,
    height,
    marginRight,
    style: { background: "none", overflow: "visible", fontSize: `${FONT}px`, color: "var(--soft)" },
    x: { domain: [0, single ? 0.5 : 1] },
    y: { domain: axis.range, label: null },
    color: { type: "identity" },
    marks: [
      Plot.axisY(axis.ticks, { tickFormat: axis.format, tickSize: 0, label: null }),
      Plot.gridY(axis.ticks, {}),
      ...(single ? [] : stepAxis(condition)),
      ...(axis.rule === undefined
        ? []
        : [Plot.ruleY([axis.rule], { stroke: "var(--soft)", strokeDasharray: "2 2" })]),
      ...lines.flatMap((line, index) =>
        lineMarks(
          line,
          rows.filter((row) => row.line === index),
        ),
      ),
      Plot.text(names, {
        x: positions[positions.length - 1],
        y: (_: string, index: number) => ends[index],
        text: (name: string) => name,
        dx: GAP,
        textAnchor: "start",
        fill: (_: string, index: number) => (lines[index].strong ? "var(--ink)" : "var(--soft)"),
        fontWeight: 600,
      }),
    ],
  });
  const dots = (now: number) =>
    lines.flatMap(({ values, colour }) => ({ value: values[now] ?? Number.NaN, colour }));
  const chart = withRule(plot, positions, height, dots);
  return {
    ...chart,
    lineUnder(event) {
      const box = plot.getBoundingClientRect();
      const y = plot.scale("y")?.invert?.(((event.clientY - box.top) * height) / (box.height || 1)) as number;
      const step = chart.stepUnder(event);
      const away = lines.map(({ values }) => Math.abs((values[step] ?? Infinity) - y));
      return away.indexOf(Math.min(...away.filter((distance) => !Number.isNaN(distance))));
    },
  };
}

function lineMarks(
  { colour, strong, dash }: Line,
  rows: { x: number; value: number; low: number | undefined; high: number | undefined }[],
) {
  const band =
    rows[0]?.low === undefined
      ? []
      : [Plot.areaY(rows, { x: "x", y1: "low", y2: "high", fill: colour, fillOpacity: 0.18 })];
  const options = { x: "x", y: "value", stroke: colour, strokeWidth: strong ? 2.6 : 1.6 };
  const single = rows.length === 1;
  return [
    ...band,
    single
      ? Plot.dot(rows, { x: "x", y: "value", fill: colour, r: 4 })
      : Plot.line(rows, { ...options, strokeDasharray: dash ?? "none" }),
  ];
}

function lastValue(values: number[]): number {
  return values.findLast((value) => Number.isFinite(value)) ?? 0;
}

/** Heights of the names in the units of the axis: next to the ends of their lines, moved apart to avoid overlap. */
export function placeEnds(ends: number[], [low, high]: [number, number], pixels: number): number[] {
  const order = ends.map((_, index) => index).sort((one, other) => ends[other] - ends[one]);
  const from = order.map((index) => (pixels * (high - ends[index])) / (high - low));
  for (let place = 1; place < from.length; place++)
    from[place] = Math.max(from[place], from[place - 1] + LABEL_HEIGHT);
  // Back up from the bottom, where the last ones have been pushed below it.
  for (
    let place = from.length - 1, floor = pixels;
    place >= 0;
    place--, floor = from[place + 1] - LABEL_HEIGHT
  )
    from[place] = Math.min(from[place], floor);
  const heights = new Array<number>(ends.length);
  order.forEach((index, place) => (heights[index] = high - ((high - low) * from[place]) / pixels));
  return heights;
}

/** Labels of the first and the last step, inside the frame. */
function stepAxis({ steps }: Pick<Condition, "steps">) {
  const label = axisLabels({ steps });
  const end = (place: 0 | 1, step: number, textAnchor: "start" | "end") =>
    Plot.axisX([place], { tickFormat: () => label(step), tickSize: 3, label: null, textAnchor });
  return [end(0, 0, "start"), end(1, steps.length - 1, "end")];
}

/** Add a rule at the current step, and dots on the lines there. */
function withRule(
  plot: PlotElement,
  positions: number[],
  height: number,
  dotsAt: (step: number) => { value: number; colour: string }[],
): Chart {
  hide(plot);
  const rule = s("line", { class: "now-rule", y1: MARGINS.marginTop, y2: height - MARGINS.marginBottom });
  const dots = s("g", {});
  if (positions.length > 1) plot.append(rule, dots);
  return {
    element: plot,
    markStep(step) {
      const cx = pixelOf(plot, "x", positions[step]);
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
    stepUnder(event) {
      const box = plot.getBoundingClientRect();
      const drawn = box.width / Number(plot.getAttribute("width") ?? box.width);
      const place = plot.scale("x")?.invert?.((event.clientX - box.left) / (drawn || 1)) as number;
      return nearestStep(positions, place);
    },
  };
}
