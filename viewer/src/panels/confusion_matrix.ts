/** The matrix of confusions as a table of buttons, one tab stop with arrow keys. */

import { shareAt, type Confusions } from "../data/confusions";
import { h } from "../dom";
import { isPair } from "../state/facets";
import type { Snapshot } from "../state/snapshot";
import { measureText, shorten } from "../text_width";
import { formatPercent } from "./formatting";

/** Pixels for the names of rows, and of the columns, which are vertical. */
const ROW_NAME = 88,
  COLUMN_NAME = 76;
const measure = measureText("12px system-ui, sans-serif");

export interface Matrix {
  element: HTMLElement;
  show(snapshot: Snapshot, confusions: Confusions, classes: number[]): void;
}

export function makeMatrix(choose: (truth: number, predicted: number) => void): Matrix {
  const element = h("div", { class: "matrix-scroll" });
  let cells: Cell[] = [];
  let drawn = "";
  let current = 0;
  const moveTo = (index: number) => {
    cells[current].button.tabIndex = -1;
    current = index;
    cells[current].button.tabIndex = 0;
  };
  element.addEventListener("keydown", (event) => {
    const columns = Math.sqrt(cells.length);
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const column = (current % columns) + (Math.abs(by) === 1 ? by : 0);
    const next = current + by;
    if (column < 0 || column >= columns || next < 0 || next >= cells.length) return;
    moveTo(next);
    cells[next].button.focus();
  });
  return {
    element,
    show(snapshot, confusions, classes) {
      if (drawn !== classes.join()) {
        drawn = classes.join();
        current = 0;
        cells = classes.flatMap((truth) => classes.map((predicted) => makeCell(truth, predicted, choose)));
        cells.forEach(({ button }, index) => button.addEventListener("focus", () => moveTo(index)));
        if (cells.length) cells[0].button.tabIndex = 0;
        element.replaceChildren(tableOf(snapshot, classes, cells));
      }
      fillCells(snapshot, confusions, cells);
    },
  };
}

interface Cell {
  truth: number;
  predicted: number;
  button: HTMLButtonElement;
}

function makeCell(
  truth: number,
  predicted: number,
  choose: (truth: number, predicted: number) => void,
): Cell {
  const button = h("button", {
    class: truth === predicted ? "cell own" : "cell",
    tabindex: -1,
    click: () => choose(truth, predicted),
  });
  return { truth, predicted, button };
}

/** Shares of a row as numbers and shades; another shade on the diagonal, which is not a confusion. */
function fillCells({ atlas, view }: Snapshot, confusions: Confusions, cells: Cell[]): void {
  const { classes } = atlas.attributes;
  const off = cells.filter(({ truth, predicted }) => truth !== predicted);
  const shares = off.map(({ truth, predicted }) => shareAt(confusions, truth, predicted) || 0);
  const most = Math.max(0.05, ...shares);
  for (const { truth, predicted, button } of cells) {
    const share = shareAt(confusions, truth, predicted);
    const depth = Math.min(1, (share || 0) / (truth === predicted ? 1 : most));
    const known = Number.isFinite(share);
    button.style.setProperty("--share", `${(100 * depth).toFixed(0)}%`);
    button.textContent = known && share >= 0.005 ? String(Math.round(100 * share)) : "";
    button.ariaPressed = String(isPair(view.filter, truth, predicted));
    const text = known ? formatPercent(share) : "no regions";
    button.title = button.ariaLabel =
      truth === predicted
        ? `${classes[truth]} predicted as ${classes[truth]}: ${text}`
        : `${classes[truth]} taken for ${classes[predicted]}: ${text}`;
  }
}

function tableOf({ atlas, marks }: Snapshot, classes: number[], cells: Cell[]): HTMLElement {
  const names = atlas.attributes.classes;
  const dot = (label: number) =>
    h("span", { class: "dot", style: `background:${marks[label].colour}`, "aria-hidden": "true" });
  const head = classes.map((label) =>
    h(
      "th",
      { scope: "col", title: names[label] },
      h("span", { class: "upright" }, dot(label), shorten(names[label], COLUMN_NAME, measure)),
    ),
  );
  const rows = classes.map((label, row) =>
    h(
      "tr",
      {},
      h(
        "th",
        { scope: "row", title: names[label] },
        h("span", { class: "row-name" }, shorten(names[label], ROW_NAME, measure), dot(label)),
      ),
      ...cells
        .slice(row * classes.length, (row + 1) * classes.length)
        .map(({ button }) => h("td", {}, button)),
    ),
  );
  return h(
    "table",
    { class: "matrix", style: `--columns:${classes.length}` },
    h(
      "caption",
      {},
      "Rows: true class. Columns: class that the region predicts. Numbers: percent of the row. Click a cell to filter the whole page.",
    ),
    h("thead", {}, h("tr", {}, h("td", {}), ...head)),
    h("tbody", {}, ...rows),
  );
}
