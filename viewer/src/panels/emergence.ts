/** Per class, the step at which it emerges in a layer, and its reliable points over training. */

import { readEmergence, type Emergence } from "../data/findings";
import { h, widthOf } from "../dom";
import type { ChangeView, Snapshot } from "../state/snapshot";
import { measureText, shorten } from "../text_width";
import { classChart } from "./charts";
import { axisLabels } from "./formatting";
import type { Panel } from "./panel";
import { classSentence } from "./sentences";

const WIDEST = 560;
const measure = measureText("11px system-ui, sans-serif");

export function makeEmergence(change: ChangeView): Panel {
  const sentence = h("p", { class: "finding" });
  const container = h("div", { class: "class-chart" });
  const key = h(
    "p",
    { class: "key" },
    "One row per class, from the first to emerge to the last; one column per checkpoint. Darker: more reliable points per image. Dot: from here on, half of the class's images have emerged.",
  );
  let last: Snapshot | null = null;
  let grid: ClassGrid | null = null;
  let drawn = "";
  const update = async (snapshot: Snapshot) => {
    last = snapshot;
    const { view, atlas } = snapshot;
    const emergence = await readEmergence(atlas, view.layer);
    if (last !== snapshot || !width()) return;
    const drawing = `${view.layer} ${width()}`;
    if (drawn !== drawing) {
      drawn = drawing;
      grid = emergence && classGrid(snapshot, emergence, width(), change);
      container.replaceChildren(...(grid ? [grid.element] : []));
      sentence.replaceChildren(
        emergence
          ? classSentence(
              atlas.layer(view.layer).name,
              atlas.attributes.classes,
              emergence,
              atlas.attributes.emerges,
            )
          : "This atlas has no emergence of classes for this layer.",
      );
    }
    grid?.show(view);
  };
  const width = widthOf(container, () => last && void update(last));
  return { element: h("div", {}, sentence, container, key), update: (snapshot) => void update(snapshot) };
}

interface ClassGrid {
  element: HTMLElement;
  show(view: Snapshot["view"]): void;
}

function classGrid(
  { atlas, marks }: Snapshot,
  emergence: Emergence,
  available: number,
  change: ChangeView,
): ClassGrid {
  const { training, order, first, reliable } = emergence;
  const names = atlas.attributes.classes;
  const rowOf = (index: number) => order.length - 1 - index;
  const cells = order.flatMap((label, index) =>
    training.steps.map((_, step) => ({ row: rowOf(index), step, reliable: reliable(label, step) })),
  );
  const firsts = order.flatMap((label, index) =>
    Number.isNaN(first[label])
      ? []
      : [{ row: rowOf(index), first: first[label], colour: marks[label].colour }],
  );
  const left = Math.min(130, 16 + Math.max(...names.map(measure)));
  const width = Math.min(WIDEST, available);
  const chart = classChart(cells, firsts, axisLabels(training), { width, left });
  const rows = order.map((label) =>
    h(
      "button",
      {
        class: "class-row",
        title: Number.isNaN(first[label])
          ? `${names[label]}: does not emerge`
          : `${names[label]}: emerges at ${training.steps[Math.ceil(first[label])].label}`,
        style: `width:${left - 6}px`,
        click: () => change(({ filter }) => ({ filter: { ...filter, classes: [label] }, colour: "true" })),
      },
      shorten(names[label], left - 14, measure),
    ),
  );
  chart.element.addEventListener("click", (event) =>
    change({ condition: training.key, step: chart.stepUnder(event as MouseEvent) }),
  );
  return {
    element: h("div", { class: "class-grid" }, chart.element, h("div", { class: "class-names" }, ...rows)),
    show(view) {
      rows.forEach((row, index) => (row.ariaPressed = String(view.filter.classes.includes(order[index]))));
      chart.markStep(view.condition === training.key ? view.step : training.steps.length - 1);
    },
  };
}
