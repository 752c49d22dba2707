/** The drawing of the emergence map: rows of evidence and points, accuracy, the axis of steps. */

import * as Plot from "@observablehq/plot";
import type { Chance, LayerCounts } from "../data/findings";
import type { Condition } from "../data/format";
import { isGap } from "../data/steps";
import { freshId, s } from "../dom";
import { shapePath, type Mark } from "../state/colours";
import type { MeasureText } from "../text_width";
import { axisLabels, formatNumber } from "./formatting";
import type { PlacedGroup, PlacedName } from "./map_names";
import { mostChance, type MapGeometry, type RowBand } from "./map_rows";

/** A step with its place; the one step of a condition is drawn as wide as two. */
interface Place {
  x: number;
  row: LayerCounts["rows"][number];
}

const STYLE = { background: "none", overflow: "visible", fontSize: "12px", color: "var(--soft)" };
/** Half the width of a single step. */
const SINGLE = 60;

/** Draw the map without its names: an SVG whose pixels are those of the geometry. */
export function drawMap(
  rows: LayerCounts[],
  condition: Condition,
  geometry: MapGeometry,
  measure: MeasureText,
): SVGSVGElement {
  const { width, height } = geometry;
  const hatch = freshId("hatch");
  const plot = Plot.plot({
    width,
    height,
    margin: 0,
    style: STYLE,
    x: { type: "identity", axis: null },
    y: { type: "identity", axis: null },
    marks: [
      ...gapMarks(condition, geometry),
      ...rows.flatMap((layer, row) => rowMarks(layer, geometry.bands[row], geometry, `url(#${hatch})`)),
      ...accuracyMarks(condition, geometry),
      ...axisMarks(condition, geometry, measure),
    ],
  }) as SVGSVGElement;
  plot.setAttribute("aria-hidden", "true");
  plot.prepend(hatching(hatch));
  return plot;
}

/** The steps at which classes emerge: a line with a hook on the side of the names. */
export function drawEmergence(groups: PlacedGroup[], band: RowBand): SVGGElement {
  const [top] = band.names;
  const lines = groups.map(({ x, side }) =>
    s("path", { class: "at", d: `M${x + 5 * side} ${top}H${x}V${band.evidence(0)}` }),
  );
  return s("g", { "aria-hidden": "true" }, ...lines);
}

/** The names of the classes, each with its mark. */
export function drawNames(groups: PlacedGroup[], marks: Mark[]): SVGGElement {
  return s(
    "g",
    { class: "emerged", "text-anchor": "start" },
    ...groups.flatMap(({ names }) => names.flatMap((name) => drawName(name, marks))),
  );
}

function drawName({ label, text, x, y }: PlacedName, marks: Mark[]): SVGElement[] {
  if (label === null) return [s("text", { x, y }, text)];
  const { shape, colour } = marks[label];
  const d = shapePath(shape, 4.2);
  const mark = s("path", { d, fill: colour, transform: `translate(${x + 4.5} ${y - 4})` });
  return text ? [mark, s("text", { x: x + 11, y }, text)] : [mark];
}

const placeOf = ({ axis }: MapGeometry, step: number) => axis.left + axis.width * axis.positions[step];

function placesOf({ rows }: LayerCounts, geometry: MapGeometry): Place[] {
  if (rows.length > 1) return rows.map((row) => ({ x: placeOf(geometry, row.step), row }));
  const x = placeOf(geometry, 0);
  return [-SINGLE, SINGLE].map((offset) => ({ x: x + offset, row: rows[0] }));
}

/** One layer: evidence upwards, knowledge points below. */
function rowMarks(layer: LayerCounts, band: RowBand, geometry: MapGeometry, hatch: string): Plot.Markish[] {
  const places = placesOf(layer, geometry);
  const measured = layer.rows.every(({ told }) => told);
  return [
    Plot.ruleY([band.top + band.height], { stroke: "var(--line)" }),
    ...scaleMarks(band, geometry, measured),
    ...(measured ? evidenceMarks(places, band, geometry, layer.chance) : []),
    ...pointsMarks(places, band, hatch, geometry, layer.chance),
  ];
}

function evidenceMarks(
  places: Place[],
  band: RowBand,
  geometry: MapGeometry,
  chance: Chance | null,
): Plot.Markish[] {
  const at = (of: (told: NonNullable<Place["row"]["told"]>) => number) => (place: Place) =>
    band.evidence(of(place.row.told as NonNullable<Place["row"]["told"]>));
  const value = at(({ evidence }) => evidence.value);
  return [
    Plot.areaY(places, {
      x: "x",
      y1: band.evidence(0),
      y2: value,
      fill: "var(--evidence)",
      fillOpacity: 0.22,
    }),
    Plot.areaY(places, {
      x: "x",
      y1: at(({ evidence }) => evidence.low),
      y2: at(({ evidence }) => evidence.high),
      fill: "var(--evidence)",
      fillOpacity: 0.35,
    }),
    Plot.line(places, {
      x: "x",
      y: at(({ readable }) => readable.value),
      stroke: "var(--soft)",
      strokeWidth: 1,
    }),
    Plot.line(places, { x: "x", y: value, stroke: "var(--evidence)", strokeWidth: 2 }),
    ...(chance ? [chanceLine(band.evidence(mostChance(chance, "evidence")), geometry)] : []),
  ];
}

/** Reliable points solid, unreliable ones hatched beyond them, with a dashed edge. */
function pointsMarks(
  places: Place[],
  band: RowBand,
  hatch: string,
  geometry: MapGeometry,
  chance: Chance | null,
): Plot.Markish[] {
  const reliable = ({ row }: Place) => band.points(row.reliable.value || 0);
  const total = ({ row }: Place) => band.points(row.total.value || 0);
  return [
    Plot.areaY(places, { x: "x", y1: band.points(0), y2: reliable, fill: "var(--ink)", fillOpacity: 0.62 }),
    Plot.areaY(places, { x: "x", y1: reliable, y2: total, fill: hatch }),
    Plot.line(places, { x: "x", y: total, stroke: "var(--ink)", strokeDasharray: "3 2", strokeWidth: 1 }),
    ...(chance ? [chanceLine(band.points(mostChance(chance, "total")), geometry)] : []),
  ];
}

function chanceLine(y: number, { axis: { left, width } }: MapGeometry): Plot.Markish {
  return Plot.link([0], {
    x1: left,
    x2: left + width,
    y1: y,
    y2: y,
    stroke: "var(--ink)",
    strokeDasharray: "1 3",
    strokeWidth: 1.2,
  });
}

const formatCount = (points: number) => (points >= 10 ? String(Math.round(points)) : formatNumber(points));

/** Pixels between the middles of two numbers of a scale. */
const APART = 11;

/** Zero, and the ends of the scales, left of a row; zero is omitted where it would lie on another number. */
function scaleMarks(band: RowBand, { axis: { left }, most }: MapGeometry, measured: boolean): Plot.Markish[] {
  const tick = (y: number, text: string) => ({ y, text });
  const [high, zero, foot] = [band.evidence(most.bits) + 4, band.evidence(0), band.points(most.points)];
  // The number at the foot may go down by three pixels for it.
  const hasRoom = zero - high >= APART && foot - 1 - zero >= APART;
  const ticks = measured
    ? [
        tick(high, formatNumber(most.bits)),
        ...(hasRoom ? [tick(zero, "0")] : []),
        tick(hasRoom ? Math.max(foot - 4, zero + APART) : foot - 4, formatCount(most.points)),
      ]
    : [tick(foot + 4, formatCount(most.points)), tick(band.points(0) - 4, "0")];
  return [
    Plot.text(ticks, {
      x: left - 6,
      y: "y",
      text: "text",
      textAnchor: "end",
      fill: "var(--soft)",
      fontSize: 11,
    }),
  ];
}

/** Between checkpoints that are not one motion. */
function gapMarks({ steps }: Condition, geometry: MapGeometry): Plot.Markish[] {
  const gaps = steps.flatMap((step, index) => (index > 0 && isGap(step) ? [index] : []));
  return [
    Plot.link(gaps, {
      x1: (step: number) => placeOf(geometry, step - 1),
      x2: (step: number) => placeOf(geometry, step),
      y1: geometry.bottom,
      y2: geometry.bottom,
      stroke: "var(--warn)",
      strokeWidth: 3,
      strokeDasharray: "2 3",
    }),
  ];
}

function accuracyMarks({ steps }: Condition, geometry: MapGeometry): Plot.Markish[] {
  const known = steps.flatMap(({ accuracy }, step) => (accuracy === null ? [] : [{ step, accuracy }]));
  if (known.length < 2) return [];
  const { top, y } = geometry.accuracy;
  return [
    Plot.text([0], {
      x: geometry.axis.left - 6,
      y: top + 6,
      text: () => "1.0",
      textAnchor: "end",
      fill: "var(--soft)",
      fontSize: 11,
    }),
    Plot.line(known, {
      x: ({ step }: { step: number }) => placeOf(geometry, step),
      y: ({ accuracy }: { accuracy: number }) => y(accuracy),
      stroke: "var(--ink)",
      strokeWidth: 1.2,
    }),
  ];
}

/** A tick at each step; labels where they do not meet. */
function axisMarks(condition: Condition, geometry: MapGeometry, measure: MeasureText): Plot.Markish[] {
  const label = axisLabels(condition);
  const { bottom } = geometry;
  const ticks = condition.steps.map((_, step) => ({ x: placeOf(geometry, step), text: label(step) }));
  const labelled = keptTicks(ticks, measure);
  return [
    Plot.ruleY([bottom], {
      x1: geometry.axis.left,
      x2: geometry.axis.left + geometry.axis.width,
      stroke: "var(--soft)",
    }),
    Plot.link(ticks, { x1: "x", x2: "x", y1: bottom, y2: bottom + 5, stroke: "var(--soft)" }),
    Plot.text(labelled, { x: "x", y: bottom + 15, text: "text", fill: "var(--soft)", fontSize: 12 }),
  ];
}

interface Tick {
  x: number;
  text: string;
}

/** Ticks whose labels do not meet: the last one, and from the first on those with room before it. */
function keptTicks(ticks: Tick[], measure: MeasureText): Tick[] {
  const half = ({ text }: Tick) => measure(text) / 2 + 5;
  const last = ticks[ticks.length - 1];
  const kept = [last];
  let end = -Infinity;
  for (const tick of ticks.slice(0, -1)) {
    if (tick.x - half(tick) < end || tick.x + half(tick) > last.x - half(last)) continue;
    kept.push(tick);
    end = tick.x + half(tick);
  }
  return kept;
}

function hatching(id: string): SVGDefsElement {
  return s(
    "defs",
    {},
    s(
      "pattern",
      { id, width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      s("line", { y2: 5, class: "hatch" }),
    ),
  );
}
