/** Where the rows of the emergence map lie, and what their values are in pixels. */

import type { Chance, LayerCounts } from "../data/findings";
import { stepPositions } from "../data/steps";
import type { Condition } from "../data/format";
import type { StepAxis } from "./step_cursor";

/** Pixels around the rows: for the scale, for the flag of the cursor, for accuracy and the axis of steps. */
const LEFT = 42,
  TOP = 26,
  ACCURACY = 34,
  AXIS = 26;
/** Pixels of the names at the ends of the rows, and the width below which they lie above their rows instead. */
const LABELS = 196,
  NARROW = 640,
  HEAD = 40;
/** Pixels of a line of names of classes above the curves of a row, and of the word above those of accuracy. */
const LANE = 17,
  WORD = 15;
/** Share of a row's band for the points, below the evidence. */
const POINTS_SHARE = 0.3;
const LOWEST_ROW = 36,
  LOWEST_NARROW_ROW = 44 + HEAD,
  HIGHEST_ROW = 150;

export interface RowBand {
  top: number;
  height: number;
  /** Pixel of evidence in bits. */
  evidence: (bits: number) => number;
  /** Pixel of a number of points, downwards from the evidence, or upwards where none was measured. */
  points: (count: number) => number;
  /** Pixels in which names of classes may lie: no curve reaches the first line, those below are shared with them. */
  names: [top: number, bottom: number];
}

/** The highest of a row's curves from left to right, in pixels, as the ends of straight lines. */
export type Skyline = [x: number, y: number][];

export interface MapGeometry {
  width: number;
  height: number;
  axis: StepAxis;
  /** Whether names lie above their rows. */
  narrow: boolean;
  bands: RowBand[];
  accuracy: { top: number; y: (share: number) => number };
  bottom: number;
  /** Ends of the scales that all rows share. */
  most: { bits: number; points: number };
}

/** Rows from the deepest layer down; `available` is the height to fill where the rows allow it. */
export function mapGeometry(
  rows: LayerCounts[],
  condition: Pick<Condition, "steps">,
  width: number,
  available: number,
): MapGeometry {
  const narrow = width < NARROW;
  const right = narrow ? 14 : LABELS;
  const lane = condition.steps.length > 1 ? LANE : 0;
  const word = narrow && rows.length ? WORD : 0;
  const wanted = (available - TOP - word - ACCURACY - AXIS) / Math.max(1, rows.length);
  const rowHeight = Math.min(HIGHEST_ROW, Math.max(lane + (narrow ? LOWEST_NARROW_ROW : LOWEST_ROW), wanted));
  const scale = scalesOf(rows);
  const bands = rows.map((_, row) => {
    const top = TOP + row * rowHeight;
    return bandOf(top, rowHeight, narrow ? HEAD : 4, lane, scale);
  });
  const accuracyTop = TOP + rows.length * rowHeight + word + 4;
  const bottom = accuracyTop + ACCURACY - 4;
  return {
    width,
    height: bottom + AXIS,
    axis: { left: LEFT, width: Math.max(1, width - LEFT - right), positions: stepPositions(condition) },
    narrow,
    bands,
    accuracy: { top: accuracyTop, y: (share) => bottom - share * (bottom - accuracyTop) },
    bottom,
    most: { bits: scale.high, points: scale.points },
  };
}

interface Scales {
  low: number;
  high: number;
  points: number;
  measured: boolean;
}

/** One scale for all rows: bits from the lowest interval to the highest, points to the most. */
function scalesOf(rows: LayerCounts[]): Scales {
  const steps = rows.flatMap((layer) => layer.rows);
  const finite = (values: number[]) => values.filter(Number.isFinite);
  const bits = steps.flatMap(({ told }) =>
    told ? finite([told.evidence.low, told.evidence.high, told.evidence.value, told.readable.value]) : [],
  );
  const points = finite(steps.flatMap(({ total }) => [total.high, total.value]));
  return {
    low: Math.min(0, ...bits),
    high: Math.max(1e-3, ...bits),
    points: Math.max(1e-3, ...points),
    measured: bits.length > 0,
  };
}

function bandOf(
  top: number,
  height: number,
  head: number,
  lane: number,
  { low, high, points, measured }: Scales,
): RowBand {
  const [first, last] = [top + head + lane, top + height - 4];
  const bend = measured ? last - POINTS_SHARE * (last - first) : last;
  const zero = measured ? bend - ((bend - first) * -low) / (high - low) : last;
  return {
    top,
    height,
    evidence: (bits) => zero - ((zero - first) * bits) / high,
    points: measured
      ? (count) => bend + 2 + ((last - bend - 2) * count) / points
      : (count) => last - ((last - first) * count) / points,
    names: [top + head, bend],
  };
}

/** Where the curves of a row end upwards: evidence, what is readable and chance, or points where none was measured. */
export function skylineOf({ rows, chance }: LayerCounts, band: RowBand, axis: StepAxis): Skyline {
  const measured = rows.every(({ told }) => told);
  const level = measured
    ? band.evidence(Math.max(0, chance ? mostChance(chance, "evidence") : 0))
    : band.points(chance ? mostChance(chance, "total") : 0);
  return rows.map(({ step, told, total }) => {
    const tops =
      measured && told
        ? [told.evidence.high, told.evidence.value, told.readable.value].map(band.evidence)
        : [band.points(total.value)];
    return [axis.left + axis.width * axis.positions[step], Math.min(level, ...tops.filter(Number.isFinite))];
  });
}

/** The higher of the two chance levels of a layer. */
export function mostChance({ permuted, untrained }: Chance, kind: "evidence" | "total"): number {
  return Math.max(permuted[kind].value || 0, untrained[kind].value || 0);
}
