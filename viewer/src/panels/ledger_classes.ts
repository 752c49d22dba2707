/** The flows of each class as bars: to the right the points now, to the left the former points of the class. */

import type { ClassFlows, Ledger, Move } from "../data/ledger";
import { h } from "../dom";
import { isFlow, type Filter } from "../state/facets";
import type { Snapshot } from "../state/snapshot";
import { measureText, shorten } from "../text_width";
import { changeDigits, formatChange, formatChangeCount } from "./formatting";
import type { ChooseFlow, Ends } from "./ledger_flows";

/** Pixels for names, for the points before and after, and for bits. */
const NAME = 84,
  COUNTS = 150,
  BITS = 62;
const measure = measureText("13px system-ui, sans-serif");

/** A part of a bar: its flow, how many regions, and the class that a filter names. */
interface Part {
  flow: Move;
  of: (row: ClassFlows) => number;
  /** Whether the class is that of the points before, or now. */
  before: boolean;
  text: string;
}

const LOST: Part[] = [
  { flow: "forgotten", of: ({ forgotten }) => forgotten, before: true, text: "forgotten" },
  { flow: "changed", of: ({ left }) => left, before: true, text: "of another class now" },
];
const HELD: Part[] = [
  { flow: "kept", of: ({ kept }) => kept, before: false, text: "kept" },
  { flow: "changed", of: ({ came }) => came, before: false, text: "of another class before" },
  { flow: "relearnt", of: ({ relearnt }) => relearnt, before: false, text: "relearnt" },
  { flow: "learnt", of: ({ learnt }) => learnt, before: false, text: "learnt" },
];

const GAINED = HELD.filter(({ flow }) => flow !== "kept");

export function classBars(
  { atlas, marks, view }: Snapshot,
  { classes, images }: Ledger,
  ends: Ends,
  width: number,
  choose: ChooseFlow,
): HTMLElement {
  const names = atlas.attributes.classes;
  const measured = classes.some(({ bits }) => bits);
  const digits = changeDigits(classes.flatMap(({ bits }) => bits ?? []));
  const lost = Math.max(...classes.map((row) => sum(LOST, row)));
  const held = Math.max(...classes.map((row) => sum(HELD, row)));
  const scale = Math.max(60, width - NAME - COUNTS - (measured ? BITS : 0) - 30) / Math.max(1, lost + held);
  const bars = classes.map((row, label) => {
    const part = (one: Part) => barPart(one, row, label, names[label], scale, view.filter, choose);
    const dot = h("span", {
      class: "dot",
      style: `background:${marks[label].colour}`,
      "aria-hidden": "true",
    });
    return h(
      "tr",
      {},
      h(
        "th",
        { scope: "row", title: names[label] },
        h("span", { class: "row-name" }, shorten(names[label], NAME - 20, measure), dot),
      ),
      h(
        "td",
        {},
        h(
          "div",
          { class: "class-bar" },
          h("div", { class: "bar-lost", style: `width:${lost * scale}px` }, ...LOST.map(part)),
          h("div", { class: "bar-held", style: `width:${held * scale}px` }, ...HELD.map(part)),
        ),
      ),
      h(
        "td",
        { class: "number" },
        `${formatRegions(row.before)} − ${formatRegions(sum(LOST, row))} + ${formatRegions(sum(GAINED, row))}`,
      ),
      measured &&
        h("td", { class: "number", title: bitsTitle(row, names[label], digits) }, signedBits(row, digits)),
    );
  });
  const sides = h("div", { class: "class-bar-head" }, "gone | points now");
  const heads = [sides, "before − gone + new", ...(measured ? ["bits"] : [])];
  const table = h(
    "table",
    { class: "class-bars" },
    h(
      "caption",
      {},
      `Regions of ${images} images by the class that they are a point of: left of the line those that are no longer one of the class at ${ends.after} (gone), right of it those that are. Numbers: points at ${ends.before}, those gone, and those that are new at ${ends.after}.${measured ? " Bits: evidence per region that the images of the class gained." : ""} Click a part of a bar to filter the whole page.`,
    ),
    h("thead", {}, h("tr", {}, h("td", {}), ...heads.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, ...bars),
  );
  oneTabStop(table);
  return table;
}

const regionsText = (count: number) => `${formatRegions(count)} region${count === 1 ? "" : "s"}`;

const formatRegions = (count: number) => count.toLocaleString("en");

const sum = (parts: Part[], row: ClassFlows) => parts.reduce((total, { of }) => total + of(row), 0);

function barPart(
  { flow, of, before, text }: Part,
  row: ClassFlows,
  label: number,
  name: string,
  scale: number,
  filter: Filter,
  choose: ChooseFlow,
): HTMLElement | null {
  const count = of(row);
  if (!count) return null;
  const [was, regions] = before ? [[label], []] : [[], [label]];
  return h("button", {
    class: `bar-part look-${flow}`,
    style: `width:${Math.max(2, count * scale)}px`,
    title: `${name}, ${text}: ${regionsText(count)}`,
    "aria-label": `${name}, ${text}: ${regionsText(count)}`,
    "aria-pressed": String(isFlow(filter, flow, was, regions)),
    tabindex: -1,
    click: () => choose(flow, was, regions),
  });
}

function signedBits({ bits }: ClassFlows, digits: number): string {
  const text = formatChange(bits?.value ?? Number.NaN, digits);
  return bits && bits.value > 0 && Number(text) > 0 ? `+${text}` : text;
}

function bitsTitle({ bits }: ClassFlows, name: string, digits: number): string {
  return bits
    ? `Evidence gained in images of ${name}: ${formatChangeCount(bits, digits)} bits per region`
    : "";
}

/** The parts of the bars are one stop of the tab key; arrow keys move between them. */
function oneTabStop(table: HTMLElement): void {
  const parts = Array.from(table.querySelectorAll<HTMLElement>(".bar-part"));
  const rowOf = (part: HTMLElement) => part.closest("tr") as HTMLElement;
  if (parts.length) parts[0].tabIndex = 0;
  const go = (from: HTMLElement, to: HTMLElement | undefined) => {
    if (!to) return;
    from.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  };
  table.addEventListener("keydown", (event) => {
    const at = parts.indexOf(event.target as HTMLElement);
    if (at < 0 || !event.key.startsWith("Arrow")) return;
    event.preventDefault();
    event.stopPropagation();
    const { key } = event;
    const own = parts.filter((part) => rowOf(part) === rowOf(parts[at])).indexOf(parts[at]);
    const rows = [...new Set(parts.map(rowOf))];
    const by = { ArrowUp: -1, ArrowDown: 1 }[key];
    if (!by) return go(parts[at], parts[at + (key === "ArrowRight" ? 1 : -1)]);
    const row = rows[rows.indexOf(rowOf(parts[at])) + by];
    const others = parts.filter((part) => rowOf(part) === row);
    go(parts[at], others[Math.min(own, others.length - 1)]);
  });
}
