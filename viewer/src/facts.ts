/** What one region says: its probabilities, its way through training and through the layers. */

import { makeDepth, makeSteps } from "./course";
import { h, rewrite } from "./dom";
import {
  number,
  orderOf,
  placeWords,
  probability,
  probabilityWords,
  regionPosterior,
  regionStrength,
} from "./findings";
import type { Frame } from "./frame";
import { measureIn, shortened } from "./labels";
import { PATHS } from "./paint";
import { chosenRegion, focusRegion, type Change, type Panel, type Shown } from "./shown";

const BARS = 4;
/** Pixels for the name of a class beside its bar. */
const NAME_ROOM = 70;
const measure = measureIn("11px system-ui, sans-serif");

export function makeFacts(change: Change): Panel {
  const title = h("h3", {});
  const text = h("p", { class: "says", "aria-live": "polite" });
  const bars = h("div", { class: "bars", role: "list", "aria-label": "Class probabilities of the region" });
  const steps = makeSteps(change);
  const depth = makeDepth(change);
  return {
    element: h(
      "div",
      { class: "facts" },
      h("div", {}, title, text, bars),
      h("div", {}, steps.element, depth.element),
    ),
    update(shown) {
      const { frame, view, run } = shown;
      const region = focusRegion(shown);
      if (!frame || region === null) {
        for (const each of [title, text, bars]) each.replaceChildren();
        for (const part of [steps, depth]) part.update(shown, null);
        return;
      }
      const id = view.image * frame.regions + region;
      const probabilities = regionPosterior(run, frame, id);
      const kind = chosenRegion(shown) === null ? "Strongest region" : "Region";
      title.textContent = `${kind}: ${placeWords(region, frame.grid[1])}`;
      rewrite(text, ...says(shown, frame, id, probabilities));
      bars.replaceChildren(...probabilityBars(shown, probabilities, run.labels[view.image]));
      for (const part of [steps, depth]) part.update(shown, { frame, id, probabilities });
    },
  };
}

function says(
  { run, reference, view }: Shown,
  frame: Frame,
  id: number,
  probabilities: number[],
): (Node | string)[] {
  const { classes, tau } = run.attributes;
  const bits = frame.knowledge[id];
  const name = classes[frame.category[id]];
  const kind =
    bits & 2
      ? "a reliable knowledge point"
      : bits & 1
        ? "an unreliable knowledge point"
        : `no knowledge point (p ≤ ${tau})`;
  const parts: (Node | string)[] = [
    h("b", {}, `${name}, ${probabilityWords(probabilities[frame.category[id]])}`),
    `: ${kind}. Strength ${number(regionStrength(frame, id))} times the layer's mean.`,
  ];
  if (reference && reference.regions === frame.regions) {
    const before = regionPosterior(run, reference, id);
    const was = reference.category[id];
    const earlier =
      run.condition(view.condition).kind === "attack"
        ? "Before the attack"
        : "In the network of the training";
    parts.push(` ${earlier}: ${classes[was]}, ${probabilityWords(before[was])}.`);
  }
  const type = frame.trajectory?.[id] ?? 0;
  if (type) parts.push(` Path of type ${type}: ${PATHS[type]}.`);
  return parts;
}

function probabilityBars({ run, marks }: Shown, probabilities: number[], truth: number): HTMLElement[] {
  const top = orderOf(probabilities).slice(0, BARS);
  if (!top.includes(truth)) top[top.length - 1] = truth;
  return top.map((each) =>
    h(
      "div",
      { class: "bar", role: "listitem" },
      h(
        "span",
        { class: "bar-name", title: run.attributes.classes[each] },
        shortened(run.attributes.classes[each], NAME_ROOM - (each === truth ? 26 : 0), measure),
        each === truth && h("i", {}, " true"),
      ),
      h(
        "span",
        { class: "bar-track" },
        h("span", {
          class: "bar-fill",
          style: `width:${(100 * probabilities[each]).toFixed(1)}%;background:${marks[each].colour}`,
        }),
      ),
      h("span", { class: "bar-value" }, probability(probabilities[each])),
    ),
  );
}
