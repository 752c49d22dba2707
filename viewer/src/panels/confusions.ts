/** Which classes the regions of each class predict: a matrix whose cells filter, and one pair over the steps. */

import {
  COUNTED,
  countConfusions,
  largestConfusions,
  type Confusion,
  type Confusions,
  type Counted,
} from "../data/confusions";
import { h, replaceChildren } from "../dom";
import { isPair } from "../state/facets";
import type { ChangeView, Snapshot } from "../state/snapshot";
import type { View } from "../state/view";
import { makeMatrix, type Matrix } from "./confusion_matrix";
import { makeConfusionPair } from "./confusion_pair";
import { formatPercent } from "./formatting";
import { releaseImages, showImages } from "./gallery";
import type { Panel } from "./panel";

/** Most classes of a whole matrix; with more, the largest confusions and some classes are shown. */
const MOST_CLASSES = 20;
const MOST_CONFUSIONS = 15;
/** Classes of a matrix without a choice: those of the largest confusions. */
const CHOSEN = 10;

/** `fly` rotates the space so that the arrows of some classes lie in the plane of the screen. */
export function makeConfusions(change: ChangeView, fly: (classes: number[]) => void): Panel {
  let last: Snapshot | null = null;
  const choose = (truth: number, predicted: number) => {
    if (!last) return;
    const snapshot = last;
    const again = isPair(snapshot.view.filter, truth, predicted);
    const facets = again ? { classes: [], regions: [] } : { classes: [truth], regions: [predicted] };
    if (snapshot.view.counted === "points") Object.assign(facets, { points: again ? "all" : "knowledge" });
    change((view) =>
      again ? releaseImages(view, facets) : showImages({ ...snapshot, view }, facets, "regions"),
    );
    if (!again && truth !== predicted) fly([truth, predicted]);
  };
  const matrix: Matrix = makeMatrix(choose);
  const list = h("ol", { class: "confusion-list", "aria-label": "Largest confusions" });
  const pair = makeConfusionPair(change);
  const kinds = h("div", { class: "segments", role: "group", "aria-label": "Which regions are counted" });
  const buttons = COUNTED.map((kind) =>
    h(
      "button",
      {
        click: () => change({ counted: kind }),
      },
      kind === "regions" ? "All regions" : "Knowledge points",
    ),
  );
  kinds.append(...buttons);
  const title = h("p", { class: "finding" });
  const element = h(
    "div",
    { class: "confusions" },
    h("div", { class: "confusions-head" }, title, kinds),
    list,
    matrix.element,
    pair.element,
  );
  // Counted when it is seen: when its tab is chosen, or the page is wide enough for both.
  let isDue = false;
  const update = (snapshot: Snapshot) => {
    last = snapshot;
    const { atlas, frame, view } = snapshot;
    isDue = view.tab !== "confusions" && element.offsetParent === null;
    if (isDue) return;
    const { counted } = view;
    COUNTED.forEach((kind, index) => buttons[index].setAttribute("aria-pressed", String(kind === counted)));
    if (!frame) return title.replaceChildren(snapshot.problem ?? "");
    const { classes } = atlas.attributes;
    const confusions = countConfusions(frame, atlas.labels, classes.length, counted);
    const largest = largestConfusions(confusions, MOST_CONFUSIONS);
    title.replaceChildren(titleOf(snapshot, confusions, largest[0], counted));
    const whole = classes.length <= MOST_CLASSES;
    list.hidden = whole;
    if (!whole) replaceChildren(list, ...largest.map((one) => listItem(one, classes, view, choose)));
    matrix.show(
      snapshot,
      confusions,
      whole ? classes.map((_, label) => label) : chosenClasses(view, largest),
    );
    pair.update(snapshot);
  };
  new ResizeObserver(() => {
    if (isDue && last) update(last);
  }).observe(element);
  return { element, update };
}

function titleOf(
  { atlas, frame }: Snapshot,
  { counts }: Confusions,
  largest: Confusion | undefined,
  counted: Counted,
): string {
  const predicts = counts.some((count) => count > 0);
  const { classes } = atlas.attributes;
  const what = counted === "regions" ? "regions" : "knowledge points";
  const where = frame ? `${frame.layer.name}, ${frame.condition.steps[frame.step].label}` : "";
  if (!predicts) return `${where}: no ${what} predict a class; the layer has no evidence here.`;
  return largest
    ? `${where}: the largest confusion is ${classes[largest.truth]} taken for ${classes[largest.predicted]}, ${formatPercent(largest.share)} of its ${what}.`
    : `${where}: no ${what} predict another class.`;
}

function listItem(
  { truth, predicted, share }: Confusion,
  classes: string[],
  { filter }: View,
  choose: (truth: number, predicted: number) => void,
): HTMLElement {
  return h(
    "li",
    {},
    h(
      "button",
      {
        class: "confusion-item",
        "aria-pressed": String(isPair(filter, truth, predicted)),
        click: () => choose(truth, predicted),
      },
      h("span", {}, `${classes[truth]} taken for ${classes[predicted]}`),
      h("span", { class: "bar-value" }, formatPercent(share)),
    ),
  );
}

/** The classes in the filter; with fewer than two, those of the largest confusions. */
function chosenClasses({ filter }: View, largest: Confusion[]): number[] {
  const named = [...new Set([...filter.classes, ...filter.regions])];
  if (named.length > 2) return named.sort((one, other) => one - other).slice(0, MOST_CLASSES);
  const classes = new Set(named);
  for (const { truth, predicted } of largest)
    for (const label of [truth, predicted]) if (classes.size < CHOSEN) classes.add(label);
  return [...classes].sort((one, other) => one - other);
}
