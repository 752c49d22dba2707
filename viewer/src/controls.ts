/** What is chosen above the space, and the line of steps below it. */

import { h, rewrite } from "./dom";
import type { Condition } from "./format";
import { reducedMotion } from "./motion";
import { stepLabel, stepMarks, type Change, type Panel, type Shown } from "./shown";
import { coloursOf, type Changes, type Colour, type Points, type Space, type View } from "./state";

interface Choice {
  element: HTMLElement;
  set(options: [string, string][], value: string, disabled?: boolean): void;
}

function chooser(name: string, choose: (value: string) => void): Choice {
  const select = h("select", { "aria-label": name, change: () => choose(select.value) });
  let offered = "";
  return {
    element: h("label", { class: "chooser" }, h("span", {}, name), select),
    set(options, value, disabled = false) {
      if (offered !== JSON.stringify(options)) {
        offered = JSON.stringify(options);
        select.replaceChildren(...options.map(([key, text]) => h("option", { value: key }, text)));
      }
      select.value = value;
      select.disabled = disabled;
    },
  };
}

const COLOUR_NAMES: Record<Space, Partial<Record<Colour, string>>> = {
  regions: {
    true: "true class",
    predicted: "predicted class",
    knowledge: "knowledge",
    reliability: "reliability",
    strength: "strength",
    path: "type of path",
  },
  images: {
    true: "true class",
    predicted: "predicted class",
    reliability: "right or wrong",
    strength: "strength",
  },
};
const POINT_NAMES: [Points, string][] = [
  ["all", "all regions"],
  ["knowledge", "knowledge points"],
  ["reliable", "reliable points"],
  ["unreliable", "unreliable points"],
];

/** The choosers: condition, layer, what a point is, its colour, which points. */
export function makeChoosers(change: Change): Panel {
  const condition = chooser("Condition", (value) => change({ condition: value }));
  const layer = chooser("Layer", (value) => change({ layer: value }));
  const space = chooser("A point is", (value) => change({ space: value as Space }));
  const colour = chooser("Colour by", (value) => change({ colour: value as Colour }));
  const points = chooser("Show", (value) =>
    change(({ filter }) => ({ filter: { ...filter, points: value as Points } })),
  );
  const all = [condition, layer, space, colour, points];
  return {
    element: h("div", { class: "choosers" }, ...all.map(({ element }) => element)),
    update({ run, view }) {
      const { conditions } = run.attributes;
      const here = run.condition(view.condition);
      const names = (keys: string[]): [string, string][] => keys.map((key) => [key, run.layer(key).name]);
      condition.set(
        conditions.map(({ key, name }) => [key, name]),
        view.condition,
        conditions.length < 2,
      );
      layer.set(names(here.layers), view.layer, view.space === "images" || here.layers.length < 2);
      space.set(
        [
          ["regions", "a region"],
          ["images", "an image"],
        ],
        view.space,
      );
      colour.set(
        coloursOf(here, view.space).map((each) => [each, COLOUR_NAMES[view.space][each] as string]),
        view.colour,
      );
      points.set(POINT_NAMES, view.filter.points, view.space === "images");
    },
  };
}

const PAUSE = 650;

/** Play, the slider of steps with a mark a step, and what the step is. */
export function makeTimeline(
  change: (changes: Changes) => Promise<void>,
  chosen: () => View,
): Panel & { stop(): void } {
  const play = h("button", { class: "play", "aria-label": "Play", title: "Play (space)" }, "▶");
  const slider = h("input", { type: "range", min: 0, step: 1, "aria-label": "Step" });
  const marks = h("div", { class: "marks", "aria-hidden": "true" });
  const now = h("output", { class: "now", "aria-live": "polite" });
  let last: Shown | null = null;
  let marked: Condition | null = null;
  let playing = 0;
  /** Where playing has gone to; nothing while nothing plays. */
  let going: Pick<View, "condition" | "step"> | null = null;
  const stop = () => {
    playing++;
    going = null;
    running(false);
  };
  /** Playing ends where somebody has gone elsewhere. */
  const heed = () => {
    const { condition, step } = chosen();
    if (going && (going.step !== step || going.condition !== condition)) stop();
  };
  const running = (on: boolean) => {
    play.textContent = on ? "❚❚" : "▶";
    play.setAttribute("aria-label", on ? "Pause" : "Play");
    play.title = on ? "Pause (space)" : "Play (space)";
  };
  const start = async () => {
    if (!last) return;
    const own = ++playing;
    running(true);
    const { condition, step: first } = chosen();
    const steps = last.run.condition(condition).steps.length;
    let step = first >= steps - 1 ? -1 : first;
    while (own === playing && ++step < steps) {
      going = { condition, step };
      await change({ step });
      await new Promise((resolve) => setTimeout(resolve, reducedMotion() ? 2 * PAUSE : PAUSE));
      heed();
    }
    if (own === playing) stop();
  };
  play.addEventListener("click", () => (play.getAttribute("aria-label") === "Play" ? void start() : stop()));
  slider.addEventListener("input", () => void change({ step: Number(slider.value) }));
  return {
    element: h("div", { class: "timeline" }, play, h("div", { class: "track" }, slider, marks), now),
    stop,
    update(shown) {
      heed();
      last = shown;
      const { run, view } = shown;
      const condition = run.condition(view.condition);
      const count = condition.steps.length;
      slider.max = String(count - 1);
      slider.value = String(view.step);
      slider.disabled = play.disabled = count < 2;
      slider.setAttribute("aria-valuetext", stepLabel(condition, view.step));
      if (marked !== condition) marks.replaceChildren(...marksOf(count, stepMarks(condition)));
      marked = condition;
      const { accuracy, residual, angle } = condition.steps[view.step];
      rewrite(
        now,
        h("b", {}, stepLabel(condition, view.step)),
        h("span", {}, accuracy === null ? "" : `accuracy ${(100 * accuracy).toFixed(1)} %`),
        h(
          "span",
          {
            title:
              "How far the frame of this checkpoint is from the one before, and what could still turn it",
          },
          residual === null || angle === null ? "" : `residual ${residual.toFixed(2)}, ${angle.toFixed(1)}°`,
        ),
      );
    },
  };
}

/** A mark a step; of many, only some are written. */
function marksOf(count: number, text: (step: number) => string): HTMLElement[] {
  if (count < 2) return [];
  const every = Math.ceil(count / 9);
  return Array.from({ length: count }, (_, step) => {
    const written = step === count - 1 || (step % every === 0 && count - 1 - step >= every / 2);
    return h("span", { style: `left:${(100 * step) / (count - 1)}%` }, written && text(step));
  });
}
