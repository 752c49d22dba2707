/** Names of classes at the steps where they emerge, packed into a row of the map. */

import type { MeasureText } from "../text_width";
import type { Skyline } from "./map_rows";

/** A name with its mark, at its left end, or its mark alone; `label` is null for the number of further classes. */
export interface PlacedName {
  label: number | null;
  text: string;
  x: number;
  y: number;
}

export interface EmergedGroup {
  step: number;
  x: number;
  labels: number[];
}

/** Pixels of a line, of the mark before a name, between names, and from the line of a step to its names. */
const LINE = 14,
  MARK = 11,
  GAP = 8,
  NEAR = 4;
/** Least pixels between a line of names and a curve below it. */
const CLEAR = 3;

/** Classes that emerge at the same step, in order. */
export function groupByStep(
  order: number[],
  first: ArrayLike<number>,
  x: (step: number) => number,
): EmergedGroup[] {
  const groups = new Map<number, number[]>();
  for (const label of order) {
    if (Number.isNaN(first[label])) continue;
    const step = Math.ceil(first[label]);
    groups.set(step, [...(groups.get(step) ?? []), label]);
  }
  return [...groups]
    .map(([step, labels]) => ({ step, x: x(step), labels }))
    .sort((one, other) => one.x - other.x);
}

/** Names of one group, and on which side of its step they lie. */
export interface PlacedGroup {
  x: number;
  side: 1 | -1;
  names: PlacedName[];
}

/**
 * Place the names of each group next to its step, in as many lines as there is room for: to the right up to the next
 * group or, if that is too narrow for all and the left is wider, to the left up to the previous names. Lines after the
 * first end where a curve rises into them. A group without room for even a number has its line alone.
 */
export function placeNames(
  groups: EmergedGroup[],
  names: string[],
  [top, bottom]: [number, number],
  [left, right]: [number, number],
  measure: MeasureText,
  skyline: Skyline = [],
): PlacedGroup[] {
  const lines = Math.max(1, Math.floor((bottom - top) / LINE));
  const width = (label: number) => MARK + measure(names[label]);
  let used = left;
  return groups.map(({ x, labels }, index) => {
    const rooms = { 1: (groups[index + 1]?.x ?? right) - GAP - x - NEAR, [-1]: x - NEAR - used };
    const clear = (side: 1 | -1) =>
      Array.from({ length: lines }, (_, line) =>
        line
          ? reach(skyline, x + side * NEAR, side, rooms[side], top + (line + 1) * LINE + CLEAR)
          : rooms[side],
      );
    const pack = (side: 1 | -1) => packBest(labels, width, clear(side), measure);
    const side = rooms[1] >= rooms[-1] || fits(pack(1)) ? 1 : -1;
    const named = pack(side);
    // If names do not fit, their marks may: a mark says more than a number.
    const marks = fits(named)
      ? []
      : packBest(
          labels,
          () => MARK - GAP / 2,
          clear(side).map((room) => room + GAP / 2),
          measure,
        );
    const bare = !fits(named) && shownIn(marks) > shownIn(named);
    const packed = bare ? marks : named;
    const start = (line: Line) => (side > 0 ? x + NEAR : x - NEAR - line.width);
    used = GAP + (side > 0 ? x + NEAR + Math.max(0, ...packed.map((line) => line.width)) : x);
    return {
      x,
      side,
      names: packed.flatMap((line, row) =>
        lineOf(
          line,
          bare ? null : names,
          start(line),
          top + row * LINE + 11,
          bare ? () => MARK - GAP / 2 : width,
        ),
      ),
    };
  });
}

/** How far one can go from a place to one side, at most a length, until a curve rises above a height. */
function reach(skyline: Skyline, from: number, side: 1 | -1, length: number, height: number): number {
  const end = from + side * length;
  const between = skyline.filter(([x]) => side * (x - from) > 0 && side * (end - x) > 0);
  const path = [from, ...(side > 0 ? between : between.reverse()).map(([x]) => x), end];
  let [before, above] = [from, heightAt(skyline, from)];
  if (above < height) return 0;
  for (const x of path) {
    const y = heightAt(skyline, x);
    if (y < height) return Math.abs(before + ((x - before) * (above - height)) / (above - y) - from);
    [before, above] = [x, y];
  }
  return length;
}

/** The skyline at a place; none is at the foot of everything. */
function heightAt(skyline: Skyline, x: number): number {
  if (!skyline.length) return Infinity;
  const next = skyline.findIndex(([right]) => right >= x);
  if (next <= 0) return skyline[next < 0 ? skyline.length - 1 : 0][1];
  const [[left, from], [right, to]] = [skyline[next - 1], skyline[next]];
  return from + ((to - from) * (x - left)) / (right - left);
}

function fits(lines: Line[]): boolean {
  return lines.length > 0 && lines.every(({ more }) => more === 0);
}

function shownIn(lines: Line[]): number {
  return lines.reduce((sum, { labels }) => sum + labels.length, 0);
}

interface Line {
  labels: number[];
  /** How many classes have no room. */
  more: number;
  width: number;
}

/** Pack classes into as few of the lines as show most of them; into none where not even their number has room. */
function packBest(
  labels: number[],
  widthOf: (label: number) => number,
  rooms: number[],
  measure: MeasureText,
): Line[] {
  let best: Line[] = [];
  for (let lines = 1; lines <= rooms.length; lines++) {
    const packed = packLines(labels, widthOf, rooms.slice(0, lines), measure);
    const inside = packed.every(({ width }, line) => width <= rooms[line]);
    if (inside && (!best.length || shownIn(packed) > shownIn(best))) best = packed;
  }
  return best;
}

/** Pack classes into lines, each with its room; the last line ends with the number of those without room. */
function packLines(
  labels: number[],
  widthOf: (label: number) => number,
  rooms: number[],
  measure: MeasureText,
): Line[] {
  const packed: Line[] = [{ labels: [], more: 0, width: 0 }];
  for (const [index, label] of labels.entries()) {
    const left = labels.length - index;
    // On the last line the number of those without room has to fit too.
    const rest = () => (packed.length === rooms.length && left > 1 ? GAP + measure(`+${left - 1}`) : 0);
    const gap = () => (packed[packed.length - 1].labels.length ? GAP : 0);
    const needed = () => packed[packed.length - 1].width + gap() + widthOf(label) + rest();
    const isFull = () => needed() > rooms[packed.length - 1];
    if (isFull() && packed.length < rooms.length && gap()) packed.push({ labels: [], more: 0, width: 0 });
    const line = packed[packed.length - 1];
    if (isFull()) {
      line.width += gap() + measure(`+${left}`);
      line.more = left;
      return packed;
    }
    line.width += gap() + widthOf(label);
    line.labels.push(label);
  }
  return packed;
}

function lineOf(
  { labels, more }: Line,
  names: string[] | null,
  left: number,
  y: number,
  widthOf: (label: number) => number,
): PlacedName[] {
  let x = left;
  const placed: PlacedName[] = labels.map((label) => {
    const name = { label, text: names ? names[label] : "", x, y };
    x += widthOf(label) + GAP;
    return name;
  });
  return more ? [...placed, { label: null, text: `+${more}`, x, y }] : placed;
}
