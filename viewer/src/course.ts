/** The course of a region: over the steps of a condition, and through the layers. */

import { probabilityCurve, type Chart, type ProbabilityRow } from "./charts";
import { h, replaceChildren } from "./dom";
import { orderOf, probability, probabilityWords, storedProbability } from "./findings";
import { readDirections, type Frame } from "./frame";
import { measureIn, shortened } from "./labels";
import { coordinates, posterior } from "./posterior";
import { stepMarks, type Change, type Shown } from "./shown";
import { samePlace } from "./state";

const CHART = { width: 184, height: 84 };
/** Pixels for the name of a class in a row. */
const NAME_ROOM = 56;
const measure = measureIn("11px system-ui, sans-serif");

const POINT_WORDS = {
  reliable: "reliable point",
  unreliable: "unreliable point",
  none: "no knowledge point",
} as const;

export interface Said {
  frame: Frame;
  id: number;
  probabilities: number[];
}

export interface Part {
  element: HTMLElement;
  update(shown: Shown, said: Said | null): void;
}

/** The curve of the region's likeliest classes; drawn again when it is about another region or other classes. */
export function makeSteps(change: Change): Part {
  const element = h("div", { class: "steps" });
  let chart: Chart | null = null;
  let drawn = "";
  let last: Shown;
  const draw = async (shown: Shown, { frame, id }: Said, classes: number[], wanted: string) => {
    const found = await overSteps(shown, frame, id, classes);
    if (drawn !== wanted) return;
    chart = found;
    const over = frame.condition.kind === "attack" ? "Over the attack" : "Over training";
    element.replaceChildren(...(found ? [h("h4", {}, over), found.element] : []));
    found?.element.addEventListener("click", (event) =>
      change({ step: found.stepUnder(event as MouseEvent) }),
    );
    found?.show(last.view.step);
  };
  return {
    element,
    update(shown, said) {
      last = shown;
      const classes = said ? orderOf(said.probabilities).slice(0, 3) : [];
      const wanted = said ? `${said.frame.condition.key}/${said.frame.layer.key}/${said.id}/${classes}` : "";
      if (wanted === drawn) return chart?.show(shown.view.step);
      drawn = wanted;
      chart = null;
      if (said) void draw(shown, said, classes, wanted);
      else element.replaceChildren();
    },
  };
}

/** The way of the region through the layers. */
export function makeDepth(change: Change): Part {
  const element = h("div", { class: "depth" });
  let last: Shown;
  return {
    element,
    update(shown, said) {
      last = shown;
      if (!said) return element.replaceChildren();
      void throughLayers(shown, said.frame, said.id, change).then((rows) => {
        if (shown === last)
          replaceChildren(element, ...(rows.length ? [h("h4", {}, "Through the layers"), ...rows] : []));
      });
    },
  };
}

/** Probabilities of some classes at each step of the condition; nothing where there is one step alone. */
async function overSteps(
  { run, marks }: Shown,
  frame: Frame,
  id: number,
  classes: number[],
): Promise<Chart | null> {
  const { condition, layer } = frame;
  if (condition.steps.length < 2) return null;
  const rowsAt = async (step: number): Promise<ProbabilityRow[]> => {
    const { all, dimensions, scale } = await run.positions(
      `layers/${layer.key}/${condition.key}/position`,
      step,
    );
    const directions = await readDirections(run, condition.key, layer.key, step);
    const said = posterior(coordinates(all, dimensions, scale, id), directions, run.concentration);
    return classes.map((each, place) => ({ step, place, p: said[each] }));
  };
  // A damaged step is a gap in the curve.
  const rows: ProbabilityRow[] = [];
  for (let step = 0; step < condition.steps.length; step++)
    rows.push(
      ...(await rowsAt(step).catch(() => classes.map((_, place) => ({ step, place, p: Number.NaN })))),
    );
  const colours = classes.map((each) => marks[each].colour);
  return probabilityCurve(rows, colours, run.attributes.tau, stepMarks(condition), CHART);
}

/** The region at the same place in each layer, and what it says there. */
async function throughLayers(
  { run, view, marks }: Shown,
  frame: Frame,
  id: number,
  change: Change,
): Promise<Node[]> {
  const { condition, step } = frame;
  if (condition.layers.length < 2) return [];
  const rows = condition.layers.map(async (key) => {
    const there = samePlace(id, frame.grid, run.grid(condition.key, key));
    const said = (name: string) => run.read<Uint8Array>(`layers/${key}/${condition.key}/${name}`, step);
    const [category, confidence, knowledge] = await Promise.all(
      ["category", "confidence", "knowledge"].map(async (name) => (await said(name))[there]),
    );
    const layer = run.layer(key).name;
    const name = run.attributes.classes[category];
    const p = storedProbability(confidence);
    const kind = knowledge & 2 ? "reliable" : knowledge & 1 ? "unreliable" : "none";
    return h(
      "button",
      {
        class: "depth-row",
        "aria-pressed": String(key === view.layer),
        title: `${layer}: ${name}, ${probabilityWords(p)}, ${POINT_WORDS[kind]}`,
        click: () => change({ layer: key, selection: [there] }),
      },
      h("span", { class: "depth-layer" }, layer),
      h("span", {
        class: `depth-mark ${kind}`,
        style: `--mark:${marks[category].colour}`,
        role: "img",
        "aria-label": POINT_WORDS[kind],
      }),
      h("span", { class: "depth-class" }, shortened(name, NAME_ROOM, measure)),
      h("span", { class: "depth-p" }, probability(p)),
    );
  });
  const settled = await Promise.allSettled(rows);
  return settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
}
