/** Outlines of cells of a grid, as closed lines slightly inside the cells. */

export type Corner = [number, number];

/** Sides clockwise: (row, column) step to the neighbour outside, and to the one before the side's start. */
const SIDES = [
  [-1, 0, 0, -1],
  [0, 1, -1, 0],
  [1, 0, 0, 1],
  [0, -1, 1, 0],
] as const;

/**
 * Closed lines (x and y in cells) around the cells for which `included` holds. Adjacent cells share an outline; cells
 * that touch only at a corner do not.
 */
export function outlines(
  rows: number,
  columns: number,
  included: (row: number, column: number) => boolean,
  inset = 0.08,
): Corner[][] {
  const inside = (row: number, column: number) =>
    row >= 0 && column >= 0 && row < rows && column < columns && included(row, column);
  const following = new Map<string, Corner>();
  const starts: Corner[] = [];
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      if (!inside(row, column)) continue;
      for (const side of SIDES) {
        if (inside(row + side[0], column + side[1])) continue;
        const [start, end] = segment(inside, row, column, side, inset);
        following.set(String(start), end);
        starts.push(start);
      }
    }
  return starts.flatMap((start) => follow(following, start));
}

function follow(following: Map<string, Corner>, start: Corner): Corner[][] {
  if (!following.has(String(start))) return [];
  const line = [start];
  for (let point = start; ;) {
    const next = following.get(String(point));
    if (!next) return [line];
    following.delete(String(point));
    line.push(next);
    point = next;
  }
}

/** One side of a cell, clockwise and inset; its ends meet those of the adjacent sides. */
function segment(
  inside: (row: number, column: number) => boolean,
  row: number,
  column: number,
  [outRow, outColumn, backRow, backColumn]: (typeof SIDES)[number],
  inset: number,
): [Corner, Corner] {
  const end = (sign: number): Corner => {
    const stepRow = sign * backRow;
    const stepColumn = sign * backColumn;
    const beside = inside(row + stepRow, column + stepColumn);
    const beyond = inside(row + stepRow + outRow, column + stepColumn + outColumn);
    const far = !beside ? 0.5 - inset : beyond ? 0.5 + inset : 0.5;
    const out = 0.5 - inset;
    return [
      round(column + 0.5 + outColumn * out + far * stepColumn),
      round(row + 0.5 + outRow * out + far * stepRow),
    ];
  };
  return [end(1), end(-1)];
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** The outlines as one SVG path, cells scaled to `width` x `height`. */
export function outlinePath(lines: Corner[][], width: number, height: number): string {
  return lines
    .map(
      (line) =>
        `M${line
          .slice(0, -1)
          .map(([x, y]) => `${+(x * width).toFixed(2)} ${+(y * height).toFixed(2)}`)
          .join("L")}Z`,
    )
    .join("");
}
