/** One region: what it predicts, its curves over the steps, and its place in the other layers. */

import type { Atlas } from "../data/atlas";
import { sortClasses } from "../data/findings";
import type { Frame } from "../data/frame";
import { bitsAt, isUninformed, statedPosterior, stabilityAt, strengthAt } from "../data/regions";
import { h, replaceText } from "../dom";
import { TRAJECTORY_TYPES } from "../state/colours";
import { focusedRegion, selectedRegion, type ChangeView, type Snapshot } from "../state/snapshot";
import { measureText, shorten } from "../text_width";
import {
  formatBits,
  formatNumber,
  formatP,
  formatPlace,
  formatProbability,
  formatThreshold,
  predictedClass,
} from "./formatting";
import type { Panel } from "./panel";
import { makePatches } from "./patches";
import { makeLayerRows, makeStepCurve } from "./region_curves";

const BARS = 4;
/** Pixels for the name of a class next to its bar. */
const NAME_WIDTH = 70;
const measure = measureText("11px system-ui, sans-serif");

export function makeRegionFacts(change: ChangeView): Panel {
  const title = h("h3", {});
  const text = h("p", { class: "summary", "aria-live": "polite" });
  const bars = h("div", { class: "bars", role: "list", "aria-label": "Class probabilities of the region" });
  const steps = makeStepCurve(change);
  const depth = makeLayerRows(change);
  const patches = makePatches(change);
  return {
    element: h(
      "div",
      { class: "facts" },
      h("div", {}, title, text, bars),
      h("div", {}, steps.element, depth.element),
      patches.element,
    ),
    update(snapshot) {
      const { frame, view, atlas } = snapshot;
      const region = focusedRegion(snapshot);
      if (!frame || region === null) {
        for (const part of [title, text, bars]) part.replaceChildren();
        for (const part of [steps, depth, patches]) part.update(snapshot, null);
        return;
      }
      const id = view.image * frame.regions + region;
      const probabilities = statedPosterior(atlas, frame, id);
      const kind = selectedRegion(snapshot) === null ? "Top region" : "Region";
      title.textContent = `${kind}: ${formatPlace(region, frame.grid[1])}`;
      replaceText(text, ...summary(snapshot, frame, id, probabilities));
      bars.replaceChildren(...probabilityBars(snapshot, probabilities, atlas.labels[view.image]));
      for (const part of [steps, depth, patches]) part.update(snapshot, { frame, id, probabilities });
    },
  };
}

function summary(
  { atlas, reference, view }: Snapshot,
  frame: Frame,
  id: number,
  probabilities: number[],
): (Node | string)[] {
  const { classes, tau } = atlas.attributes;
  const bits = frame.knowledge[id];
  const name = isUninformed(frame, id) ? "Every class" : classes[frame.category[id]];
  const kind =
    bits & 2
      ? "a reliable knowledge point"
      : bits & 1
        ? "an unreliable knowledge point"
        : `not a knowledge point (p ≤ ${formatThreshold(tau)})`;
  const parts: (Node | string)[] = [
    h("b", {}, `${name}, ${formatP(probabilities[frame.category[id]])}`),
    `: ${kind}. `,
    ...evidenceWords(atlas, frame, id),
    `Strength ${formatNumber(strengthAt(frame.region, id))} times the layer's mean.`,
  ];
  if (reference && reference.regions === frame.regions) {
    const before = statedPosterior(atlas, reference, id)[reference.category[id]];
    const name = atlas.condition(view.condition).kind === "attack" ? "Clean" : "Teacher";
    parts.push(` ${name}: ${predictedClass(reference, id, classes)}, ${formatP(before)}.`);
  }
  const type = frame.trajectory?.[id] ?? 0;
  if (type) parts.push(` Trajectory type ${type}: ${TRAJECTORY_TYPES[type]}.`);
  return parts;
}

/** Evidence for the image's class, and how many refits agree that the region is a point of its class. */
function evidenceWords(atlas: Atlas, frame: Frame, id: number): string[] {
  const { classes, evidence } = atlas.attributes;
  const [bits, stability] = [bitsAt(frame, id), stabilityAt(frame, id)];
  const words: string[] = [];
  if (bits !== null) {
    const truth = classes[atlas.labels[Math.floor(id / frame.regions)]];
    const about = evidence?.against === "decision" ? `${truth}, the network's decision` : truth;
    words.push(`${formatBits(bits)}\u00a0bits for ${about}`);
  }
  if (stability && !isUninformed(frame, id)) {
    const { points, refits } = stability;
    words.push(`a point of ${classes[frame.category[id]]} in ${points} of ${refits} refits`);
  }
  return words.length ? [`${words.join("; ")}. `] : [];
}

function probabilityBars({ atlas, marks }: Snapshot, probabilities: number[], truth: number): HTMLElement[] {
  const top = sortClasses(probabilities).slice(0, BARS);
  if (!top.includes(truth)) top[top.length - 1] = truth;
  return top.map((label) =>
    h(
      "div",
      { class: "bar", role: "listitem" },
      h(
        "span",
        { class: "bar-name", title: atlas.attributes.classes[label] },
        shorten(atlas.attributes.classes[label], NAME_WIDTH - (label === truth ? 26 : 0), measure),
        label === truth && h("i", {}, " true"),
      ),
      h(
        "span",
        { class: "bar-track" },
        h("span", {
          class: "bar-fill",
          style: `width:${(100 * probabilities[label]).toFixed(1)}%;background:${marks[label].colour}`,
        }),
      ),
      h("span", { class: "bar-value" }, formatProbability(probabilities[label])),
    ),
  );
}
