/** What one region says: its probabilities, its way through training and through the layers. */

import { probabilityCurve, stepUnder, type ProbabilityRow } from "./charts";
import { h } from "./dom";
import {
  number,
  placeWords,
  probability,
  probabilityWords,
  regionPosterior,
  regionStrength,
} from "./findings";
import { loadFrame, readDirections, type Frame } from "./frame";
import { PATHS } from "./paint";
import { coordinates, posterior } from "./posterior";
import { chosenRegion, focusRegion, stepMark, type Change, type Panel, type Shown } from "./shown";
import { samePlace } from "./state";

const BARS = 4;
const CHART = { width: 184, height: 84 };

export function makeFacts(change: Change): Panel {
  const title = h("h3", {});
  const text = h("p", { class: "says", "aria-live": "polite" });
  const bars = h("div", { class: "bars", role: "list", "aria-label": "Class probabilities of the region" });
  const steps = h("div", { class: "steps" });
  const depth = h("div", { class: "depth" });
  let told = "";
  const update = async (shown: Shown) => {
    const { frame, view } = shown;
    const region = focusRegion(shown);
    if (!frame || region === null) {
      told = "";
      for (const each of [title, text, bars, steps, depth]) each.replaceChildren();
      return;
    }
    const id = view.image * frame.regions + region;
    const probabilities = regionPosterior(shown.run, frame, id);
    const kind = chosenRegion(shown) === null ? "Strongest region" : "Region";
    title.textContent = `${kind}: ${placeWords(region, frame.grid[1])}`;
    text.replaceChildren(...says(shown, frame, id, probabilities));
    bars.replaceChildren(...probabilityBars(shown, probabilities, shown.run.labels[view.image]));
    const here = `${view.condition}/${view.layer}/${view.step}/${id}`;
    if (told === here) return;
    told = here;
    const shownClasses = orderOf(probabilities).slice(0, 3);
    const [curve, layers] = await Promise.all([
      overSteps(shown, frame, id, shownClasses, change),
      throughLayers(shown, frame, id, change),
    ]);
    if (told !== here) return;
    steps.replaceChildren(...curve);
    depth.replaceChildren(...layers);
  };
  return {
    element: h("div", { class: "facts" }, h("div", {}, title, text, bars), h("div", {}, steps, depth)),
    update: (shown) => void update(shown),
  };
}

function orderOf(probabilities: number[]): number[] {
  return probabilities.map((_, each) => each).sort((one, other) => probabilities[other] - probabilities[one]);
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
        run.attributes.classes[each],
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

/** Probabilities of some classes at each step of the condition. */
async function overSteps(
  { run, view, marks }: Shown,
  frame: Frame,
  id: number,
  classes: number[],
  change: Change,
): Promise<Node[]> {
  const { condition } = frame;
  if (condition.steps.length < 2) return [];
  const { classes: names } = run.attributes;
  const rowsAt = async (step: number): Promise<ProbabilityRow[]> => {
    const { all, dimensions, scale } = await run.positions(
      `layers/${view.layer}/${condition.key}/position`,
      step,
    );
    const directions = await readDirections(run, condition.key, view.layer, step);
    const said = posterior(coordinates(all, dimensions, scale, id), directions, run.concentration);
    return classes.map((each) => ({ step, name: names[each], p: said[each] }));
  };
  // A damaged step is a gap in the curve.
  const rows: ProbabilityRow[] = [];
  for (let step = 0; step < condition.steps.length; step++)
    rows.push(...(await rowsAt(step).catch(() => [])));
  const colours = new Map(classes.map((each) => [names[each], marks[each].colour]));
  const chart = probabilityCurve(
    rows,
    colours,
    view.step,
    run.attributes.tau,
    (step) => (condition.steps[step] ? stepMark(condition, step) : ""),
    CHART,
  );
  chart.addEventListener("click", (event) =>
    change({ step: stepUnder(event as MouseEvent, chart, condition.steps.length, 26, 16) }),
  );
  const over = condition.kind === "attack" ? "Over the attack" : "Over training";
  return [h("h4", {}, over), chart];
}

/** The region at the same place in each layer, and what it says there. */
async function throughLayers(shown: Shown, frame: Frame, id: number, change: Change): Promise<Node[]> {
  const { run, view, marks } = shown;
  const { condition } = frame;
  if (condition.layers.length < 2) return [];
  const rows = condition.layers.map(async (key) => {
    const other = key === view.layer ? frame : await loadFrame(run, { ...view, layer: key });
    const there = samePlace(id, frame.grid, other.grid);
    const name = run.attributes.classes[other.category[there]];
    const p = other.confidence[there] / 255;
    const bits = other.knowledge[there];
    const kind = bits & 2 ? "reliable" : bits & 1 ? "unreliable" : "none";
    const told = { reliable: "reliable point", unreliable: "unreliable point", none: "no knowledge point" }[
      kind
    ];
    return h(
      "button",
      {
        class: "depth-row",
        "aria-pressed": String(key === view.layer),
        title: `${run.layer(key).name}: ${name}, p = ${p.toFixed(2)}, ${told}`,
        click: () => change({ layer: key, selection: [there] }),
      },
      h("span", { class: "depth-layer" }, run.layer(key).name),
      h("span", {
        class: `depth-mark ${kind}`,
        style: `--mark:${marks[other.category[there]].colour}`,
        role: "img",
        "aria-label": told,
      }),
      h("span", { class: "depth-class" }, name),
      h("span", { class: "depth-p" }, p.toFixed(2)),
    );
  });
  const settled = await Promise.allSettled(rows);
  return [
    h("h4", {}, "Through the layers"),
    ...settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : [])),
  ];
}
