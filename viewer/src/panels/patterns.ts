/** The patterns of a class in the layer: typical patches and measurements of each; one of them filters the page. */

import type { Frame } from "../data/frame";
import { patternsOf, patternTitle, readPatterns, type LayerPatterns, type Pattern } from "../data/patterns";
import { h } from "../dom";
import { selectRegion, type ChangeView, type Snapshot } from "../state/snapshot";
import { patternFacts } from "./pattern_facts";
import { regionPatch } from "./pattern_patch";
import { releaseImages, showImages } from "./gallery";
import type { Panel } from "./panel";

export function makePatterns(change: ChangeView): Panel {
  let last: Snapshot | null = null;
  let drawn: unknown[] = [];
  const title = h("p", { class: "finding" });
  const select = h("select", {
    "aria-label": "Patterns of",
    change: () => chooseClass(Number(select.value)),
  });
  const chooser = h("label", { class: "chooser" }, h("span", {}, "Patterns of"), select);
  const list = h("div", { class: "pattern-list" });
  const note = h("p", { class: "key" });
  const element = h(
    "div",
    { class: "patterns" },
    h("div", { class: "confusions-head" }, title, chooser),
    list,
    note,
  );
  const choose = (number: number) => {
    if (!last) return;
    const snapshot = last;
    const again = snapshot.view.filter.pattern === number;
    const typical = typicalImage(snapshot, (_, place) => place === number - 1);
    change((view) =>
      again
        ? releaseImages(view, { pattern: 0 })
        : showImages({ ...snapshot, view }, { pattern: number }, "regions", typical),
    );
  };
  const chooseClass = (label: number) => {
    if (!last) return;
    const snapshot = last;
    const typical = typicalImage(snapshot, (pattern) => pattern.label === label);
    change((view) => {
      const shown = showImages({ ...snapshot, view }, { classes: [label], pattern: 0 }, view.sort);
      return typical === undefined ? shown : { ...shown, image: typical };
    });
  };
  const update = async (snapshot: Snapshot) => {
    last = snapshot;
    const { atlas, view, frame } = snapshot;
    if (view.tab !== "patterns" && element.offsetParent === null) return;
    const { classes } = atlas.attributes;
    if (select.options.length !== classes.length)
      select.replaceChildren(...classes.map((name, label) => h("option", { value: label }, name)));
    const found = await readPatterns(atlas, view.layer).catch(() => undefined);
    if (last !== snapshot) return;
    chooser.hidden = note.hidden = !found?.patterns.length;
    const reason = missing(snapshot, found);
    if (!found || !frame || reason) {
      drawn = [];
      title.textContent = reason;
      return list.replaceChildren();
    }
    const label = classInView(snapshot, found);
    select.value = String(label);
    const own = found.patterns.filter((pattern) => pattern.label === label);
    title.textContent = summary(snapshot, own, label);
    note.textContent = noteOf(found, frame);
    const now = [found, label];
    if (now.some((value, place) => value !== drawn[place])) {
      drawn = now;
      list.replaceChildren(...own.map((pattern) => card(snapshot, frame, found, pattern, choose, change)));
    }
    for (const button of list.querySelectorAll<HTMLElement>(".pattern-name"))
      button.setAttribute("aria-pressed", String(Number(button.dataset.pattern) === view.filter.pattern));
  };
  new ResizeObserver(() => last && void update(last)).observe(element);
  return { element, update: (snapshot) => void update(snapshot) };
}

/** The image of the most typical region of the first pattern that is meant; undefined where there is none. */
function typicalImage(
  { atlas, view, frame }: Snapshot,
  isMeant: (pattern: Pattern, place: number) => boolean,
): number | undefined {
  const region = patternsOf(atlas.layer(view.layer))?.patterns.find(isMeant)?.typical[0];
  return region === undefined || !frame ? undefined : Math.floor(region / frame.regions);
}

/** Why no pattern can be shown; empty if some can. */
function missing({ atlas, view, frame, problem }: Snapshot, found: LayerPatterns | null | undefined): string {
  const layer = atlas.layer(view.layer).name;
  if (found === undefined) return `The patterns of ${layer} cannot be read.`;
  if (found === null) return `This study has no patterns of ${layer}.`;
  if (!found.patterns.length) return `${layer} has no pattern: too few regions of any class are reliable.`;
  if (atlas.condition(view.condition).kind === "model")
    return "These are patterns of the teacher, not of a student.";
  return frame ? "" : (problem ?? "");
}

/** The class of the pattern that is chosen, the one class in the filter, or that of the image in view. */
function classInView({ atlas, view }: Snapshot, { patterns }: LayerPatterns): number {
  const { pattern, classes } = view.filter;
  if (pattern) return patterns[pattern - 1]?.label ?? atlas.labels[view.image];
  return classes.length === 1 ? classes[0] : atlas.labels[view.image];
}

function summary({ atlas, view }: Snapshot, own: Pattern[], label: number): string {
  const name = atlas.attributes.classes[label];
  const layer = atlas.layer(view.layer).name;
  if (!own.length) return `${layer}: ${name} has no pattern here.`;
  const share = own.reduce((total, pattern) => total + (pattern.share[0] ?? 0), 0);
  const count = own.length === 1 ? "one pattern has" : `${own.length} patterns have`;
  return `${layer}: ${count} ${Math.round(100 * share)}\u00a0% of the evidence of ${name} at the end of training.`;
}

function noteOf({ field, untested }: LayerPatterns, { condition, step, regions }: Frame): string {
  const boxes = field
    ? "Solid box: the region. Dashed: its receptive field, with 90\u00a0% of the gradient."
    : "Box: the region.";
  const other =
    condition.kind === "training" && step === condition.steps.length - 1
      ? ""
      : " Patterns are of the end of training; a pattern in the filter shows these regions here.";
  const asked = untested ? ` The network was not tested without them: ${untested}.` : "";
  return regions
    ? `${boxes} Click a name to filter the whole page, a patch to show its region.${other}${asked}`
    : "";
}

function card(
  snapshot: Snapshot,
  frame: Frame,
  found: LayerPatterns,
  pattern: Pattern,
  choose: (number: number) => void,
  change: ChangeView,
): HTMLElement {
  const { atlas } = snapshot;
  const { classes } = atlas.attributes;
  const number = found.patterns.indexOf(pattern) + 1;
  const title = patternTitle(pattern, classes);
  const name = h(
    "button",
    {
      class: "pattern-name",
      "data-pattern": number,
      title: `Show the regions of ${title}`,
      click: () => choose(number),
    },
    title,
  );
  const count = `${pattern.regions} regions in ${pattern.images} images`;
  return h(
    "section",
    { class: "pattern-card", "aria-label": `Pattern ${title}` },
    h("div", { class: "pattern-head" }, name, h("span", { class: "pattern-count" }, count)),
    h(
      "div",
      { class: "pattern-patches" },
      ...pattern.typical.map((id) => {
        const [image, region] = [Math.floor(id / frame.regions), id % frame.regions];
        const of = { image, region, grid: frame.grid, field: found.field };
        return regionPatch(snapshot, of, () => change(selectRegion(snapshot, image, region)));
      }),
    ),
    patternFacts(pattern, atlas, change),
  );
}
