/** Names of classes at the steps where they emerge, packed into a row of the map. */

import type { MeasureText } from "../text_width";

/** A name with its mark, at its left end; `label` is null for the number of further classes. */
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

/** Pixels of a line, of the mark before a name, and between names. */
const LINE = 15,
  MARK = 11,
  GAP = 9;

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

/** Place the names of each group beside its step, up to the next group, in as many lines as there is room for. */
export function placeNames(
  groups: EmergedGroup[],
  names: string[],
  [top, bottom]: [number, number],
  right: number,
  measure: MeasureText,
): PlacedName[] {
  const lines = Math.max(1, Math.floor((bottom - top) / LINE));
  return groups.flatMap((group, index) => {
    const end = (groups[index + 1]?.x ?? right) - GAP;
    return placeGroup(group, names, { left: group.x + 5, right: end, top, lines }, measure);
  });
}

interface Room {
  left: number;
  right: number;
  top: number;
  lines: number;
}

function placeGroup(
  { labels }: EmergedGroup,
  names: string[],
  room: Room,
  measure: MeasureText,
): PlacedName[] {
  const placed: PlacedName[] = [];
  let [x, line] = [room.left, 0];
  for (const [index, label] of labels.entries()) {
    const left = labels.length - index;
    const width = MARK + measure(names[label]);
    // On the last line the number of those without room has to fit too.
    const rest = line === room.lines - 1 && left > 1 ? measure(`+${left - 1}`) + GAP : 0;
    if (x + width + rest > room.right && line < room.lines - 1 && x > room.left)
      [x, line] = [room.left, line + 1];
    const fits = x + width + (line === room.lines - 1 ? rest : 0) <= room.right;
    const y = room.top + line * LINE + 11;
    if (!fits) {
      placed.push({ label: null, text: `+${left}`, x, y });
      break;
    }
    placed.push({ label, text: names[label], x, y });
    x += width + GAP;
  }
  return placed;
}
