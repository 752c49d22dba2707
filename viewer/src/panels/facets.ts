/** The filter as removable chips, and a menu to add to it. */

import { patternsOf, patternTitle } from "../data/patterns";
import { h } from "../dom";
import { TRAJECTORY_TYPES, type Mark } from "../state/colours";
import {
  CLASS_FACETS,
  facetsOf,
  isAnyEvidence,
  NO_FILTER,
  OUTCOMES,
  DECIDED,
  POINTS,
  BECAME,
  type Became,
  type ClassFacet,
  type Filter,
} from "../state/facets";
import type { ChangeView, Snapshot } from "../state/snapshot";
import { formatBits, startText } from "./formatting";
import type { Panel } from "./panel";

const CLASS_TEXTS: Record<ClassFacet, { name: string; chip: string }> = {
  classes: { name: "True class", chip: "true class:" },
  regions: { name: "Predicted by the region", chip: "region predicts" },
  decisions: { name: "Predicted by the network", chip: "network predicts" },
  was: { name: "Point of class, before", chip: "was a point of" },
};
const FLOW_TEXTS: Record<Became, string> = {
  any: "any",
  learnt: "learnt",
  relearnt: "relearnt",
  kept: "kept",
  changed: "changed class",
  forgotten: "forgotten",
};
const OUTCOME_TEXTS: Record<(typeof OUTCOMES)[number], string> = {
  any: "any",
  succeeded: "attack succeeded",
  failed: "attack failed",
  "not attacked": "not attacked",
};

/** One chip: its text, the class that it is about, and the filter without it. */
export interface Chip {
  text: string;
  label: number | null;
  without: Filter;
}

/** The names in a filter: the start of its flows, and its pattern. */
export interface Named {
  start: string;
  pattern: string;
}

/** The chips of a filter, in the order of the menu. */
export function chipsOf(
  filter: Filter,
  classes: string[],
  { start, pattern }: Named = { start: "", pattern: "" },
): Chip[] {
  const plain = <K extends keyof Filter>(name: K, text: string): Chip => ({
    text,
    label: null,
    without: { ...filter, [name]: NO_FILTER[name] },
  });
  const ofClasses = CLASS_FACETS.flatMap((facet) =>
    filter[facet].map((label) => ({
      text: `${CLASS_TEXTS[facet].chip} ${classes[label]}`,
      label,
      without: { ...filter, [facet]: filter[facet].filter((other) => other !== label) },
    })),
  );
  return [
    ...ofClasses,
    ...(filter.decided === "any" ? [] : [plain("decided", `image ${filter.decided}`)]),
    ...(filter.points === "all" ? [] : [plain("points", `${filter.points} points`)]),
    ...(filter.stable ? [plain("stable", "stable in all refits")] : []),
    ...(isAnyEvidence(filter) ? [] : [plain("bits", evidenceText(filter.bits))]),
    ...(filter.outcome === "any" ? [] : [plain("outcome", OUTCOME_TEXTS[filter.outcome])]),
    ...(filter.flow === "any" ? [] : [plain("flow", `${FLOW_TEXTS[filter.flow]} ${start}`.trim())]),
    ...(filter.pattern === 0 ? [] : [plain("pattern", `pattern ${pattern}`)]),
    ...(filter.path === 0 ? [] : [plain("path", `trajectory: ${TRAJECTORY_TYPES[filter.path]}`)]),
  ];
}

function evidenceText([least, most]: Filter["bits"]): string {
  const [low, high] = [least, most].map((bound) => (bound === null ? "" : formatBits(bound)));
  if (!high) return `evidence ≥ ${low} bits`;
  return low ? `evidence ${low} to ${high} bits` : `evidence ≤ ${high} bits`;
}

export function makeFacets(change: ChangeView): Panel {
  const chips = h("ul", { class: "facet-chips", "aria-label": "Filter" });
  const menu = makeMenu(change);
  const clear = h(
    "button",
    {
      class: "small",
      // A view of the classes that were chosen goes with them.
      click: () =>
        change(({ filter, camera }) => ({
          filter: { ...NO_FILTER, outside: filter.outside, since: filter.since },
          camera: camera?.classes ? null : camera,
        })),
    },
    "Clear filter",
  );
  let drawn = "";
  return {
    element: h("div", { class: "facets-bar" }, menu.element, chips, clear),
    update(snapshot) {
      menu.update(snapshot);
      const { atlas, view } = snapshot;
      const named = namedIn(snapshot);
      const all = chipsOf(view.filter, atlas.attributes.classes, named);
      const drawing = JSON.stringify([view.filter, named]);
      if (drawing === drawn) return;
      drawn = drawing;
      clear.hidden = all.length < 2;
      const hadFocus = chips.contains(document.activeElement);
      chips.replaceChildren(...all.map((chip) => chipElement(chip, snapshot.marks, change)));
      // The chip that had the focus is gone.
      if (hadFocus) (chips.querySelector("button") ?? menu.focusable).focus();
    },
  };
}

function namedIn({ atlas, view }: Snapshot): Named {
  const { since, pattern } = view.filter;
  const found = patternsOf(atlas.layer(view.layer))?.patterns[pattern - 1];
  return {
    start: startText(atlas.condition(view.condition), since),
    pattern: found ? patternTitle(found, atlas.attributes.classes) : String(pattern),
  };
}

function chipElement({ text, label, without }: Chip, marks: Mark[], change: ChangeView): HTMLElement {
  const dot =
    label !== null &&
    h("span", { class: "dot", style: `background:${marks[label].colour}`, "aria-hidden": "true" });
  const remove = h(
    "button",
    {
      class: "facet-remove",
      "aria-label": `Remove filter: ${text}`,
      title: "Remove",
      click: () => change({ filter: without }),
    },
    "×",
  );
  return h("li", { class: "facet-chip" }, dot, h("span", {}, text), remove);
}

interface Menu extends Panel {
  focusable: HTMLElement;
}

/** A control of the menu, which shows the state of the filter. */
interface Control {
  element: HTMLElement;
  show(filter: Filter, snapshot: Snapshot): void;
}

type SetFilter = (next: (filter: Filter) => Partial<Filter>) => void;

function makeMenu(change: ChangeView): Menu {
  const set: SetFilter = (next) => change(({ filter }) => ({ filter: { ...filter, ...next(filter) } }));
  const controls = [
    ...CLASS_FACETS.map((facet) => classControl(facet, set)),
    chooser("Decision", DECIDED, (option) => option, "decided", set),
    chooser("Regions", POINTS, (option) => (option === "all" ? "any" : `${option} points`), "points", set),
    checkbox("Stable in all refits", "stable", set),
    evidenceControl(set),
    chooser("Change of the point", BECAME, (option) => FLOW_TEXTS[option], "flow", set),
    chooser("Attack", OUTCOMES, (option) => OUTCOME_TEXTS[option], "outcome", set),
    checkbox("Show the others in grey", "outside", set),
  ];
  const summary = h("summary", {}, "Filter");
  const element = h(
    "details",
    { class: "facets-menu" },
    summary,
    h("div", { class: "facets-form" }, ...controls.map((control) => control.element)),
  );
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !element.open) return;
    event.stopPropagation();
    element.open = false;
    summary.focus();
  });
  return {
    element,
    focusable: summary,
    update: (snapshot) => controls.forEach((control) => control.show(snapshot.view.filter, snapshot)),
  };
}

function labelled(name: string, ...fields: HTMLElement[]): HTMLElement {
  return h("label", { class: "chooser" }, h("span", {}, name), ...fields);
}

/** Adds a class to those of a facet. */
function classControl(facet: ClassFacet, set: SetFilter): Control {
  const { name } = CLASS_TEXTS[facet];
  const select = h("select", {
    "aria-label": name,
    change: () => {
      const label = Number(select.value);
      if (select.value)
        set((filter) => ({ [facet]: [...new Set([...filter[facet], label])].sort(byNumber) }));
      else set(() => ({ [facet]: [] }));
    },
  });
  const element = labelled(name, select);
  return {
    element,
    show(filter, { atlas, view }) {
      element.hidden = facet === "was" && !facetsOf(atlas, atlas.condition(view.condition)).flow;
      if (!select.options.length)
        select.append(
          h("option", { value: "" }, "any"),
          ...atlas.attributes.classes.map((text, label) => h("option", { value: label }, text)),
        );
      select.value = filter[facet].length ? String(filter[facet][filter[facet].length - 1]) : "";
    },
  };
}

const byNumber = (one: number, other: number) => one - other;

function chooser<T extends string>(
  name: string,
  options: readonly T[],
  textOf: (option: T) => string,
  facet: "decided" | "points" | "outcome" | "flow",
  set: SetFilter,
): Control {
  const select = h(
    "select",
    { "aria-label": name, change: () => set(() => ({ [facet]: select.value }) as Partial<Filter>) },
    ...options.map((option) => h("option", { value: option }, textOf(option))),
  );
  const element = labelled(name, select);
  return {
    element,
    show(filter, { atlas, view }) {
      select.value = filter[facet];
      const has = facetsOf(atlas, atlas.condition(view.condition));
      element.hidden = (facet === "outcome" || facet === "flow") && !has[facet];
    },
  };
}

function checkbox(name: string, facet: "stable" | "outside", set: SetFilter): Control {
  const input = h("input", { type: "checkbox", change: () => set(() => ({ [facet]: input.checked })) });
  const element = h("label", { class: "check" }, input, name);
  return {
    element,
    show(filter, { atlas, view }) {
      input.checked = filter[facet];
      element.hidden = facet === "stable" && !facetsOf(atlas, atlas.condition(view.condition)).stable;
    },
  };
}

function evidenceControl(set: SetFilter): Control {
  const bound = (place: 0 | 1, name: string) => {
    const input = h("input", {
      type: "number",
      step: 0.1,
      "aria-label": name,
      placeholder: place ? "to" : "from",
      change: () =>
        set(({ bits }) => ({
          bits: bits.map((old, index) =>
            index !== place ? old : Number.isFinite(input.valueAsNumber) ? input.valueAsNumber : null,
          ) as Filter["bits"],
        })),
    });
    return input;
  };
  const inputs = [bound(0, "Least evidence in bits"), bound(1, "Most evidence in bits")];
  const element = h(
    "div",
    { class: "chooser" },
    h("span", {}, "Evidence, bits"),
    h("span", { class: "range" }, ...inputs),
  );
  return {
    element,
    show(filter, { atlas, view }) {
      element.hidden = !facetsOf(atlas, atlas.condition(view.condition)).bits;
      inputs.forEach((input, place) => {
        if (input !== document.activeElement) input.value = String(filter.bits[place] ?? "");
      });
    },
  };
}
