/** For each class the step at which it emerges in a layer, and its reliable points over training. */

import { classChart } from "./charts";
import { h, widthOf } from "./dom";
import { emergenceIn, type Emergence } from "./findings";
import { measureIn, shortened } from "./labels";
import { classSentence } from "./sentences";
import { stepMarks, type Change, type Panel, type Shown } from "./shown";

const WIDEST = 560;
const measure = measureIn("11px system-ui, sans-serif");

export function makeEmergence(change: Change): Panel {
  const sentence = h("p", { class: "finding" });
  const room = h("div", { class: "class-chart" });
  const key = h(
    "p",
    { class: "key" },
    "A row a class, from the first to emerge to the last; a column a checkpoint. Darker: more reliable points an image. Dot: from here on, half of the class's images have one.",
  );
  let last: Shown | null = null;
  let grid: ClassGrid | null = null;
  let madeFor = "";
  const update = async (shown: Shown) => {
    last = shown;
    const { view, run } = shown;
    const emergence = await emergenceIn(run, view.layer);
    if (last !== shown || !width()) return;
    const wanted = `${view.layer} ${width()}`;
    if (madeFor !== wanted) {
      madeFor = wanted;
      grid = emergence && classGrid(shown, emergence, width(), change);
      room.replaceChildren(...(grid ? [grid.element] : []));
      sentence.replaceChildren(
        emergence
          ? classSentence(run.layer(view.layer).name, run.attributes.classes, emergence)
          : "This atlas does not say when the classes emerge in this layer.",
      );
    }
    grid?.show(view);
  };
  const width = widthOf(room, () => last && void update(last));
  return { element: h("div", {}, sentence, room, key), update: (shown) => void update(shown) };
}

interface ClassGrid {
  element: HTMLElement;
  show(view: Shown["view"]): void;
}

function classGrid({ run, marks }: Shown, emergence: Emergence, across: number, change: Change): ClassGrid {
  const { training, order, first, reliable } = emergence;
  const names = run.attributes.classes;
  const places = order.map((_, place) => order.length - 1 - place);
  const cells = order.flatMap((each, row) =>
    training.steps.map((_, step) => ({ place: places[row], step, reliable: reliable(each, step) })),
  );
  const firsts = order.flatMap((each, row) =>
    Number.isNaN(first[each]) ? [] : [{ place: places[row], first: first[each], colour: marks[each].colour }],
  );
  const left = Math.min(130, 16 + Math.max(...names.map(measure)));
  const width = Math.min(WIDEST, across);
  const chart = classChart(cells, firsts, stepMarks(training), { width, left });
  const rows = order.map((each) =>
    h(
      "button",
      {
        class: "class-row",
        title: Number.isNaN(first[each])
          ? `${names[each]}: does not emerge`
          : `${names[each]}: emerges at ${training.steps[Math.ceil(first[each])].label}`,
        style: `width:${left - 6}px`,
        click: () => change(({ filter }) => ({ filter: { ...filter, classes: [each] }, colour: "true" })),
      },
      shortened(names[each], left - 14, measure),
    ),
  );
  chart.element.addEventListener("click", (event) =>
    change({ condition: training.key, step: chart.stepUnder(event as MouseEvent) }),
  );
  return {
    element: h("div", { class: "class-grid" }, chart.element, h("div", { class: "class-names" }, ...rows)),
    show(now) {
      rows.forEach((row, place) => (row.ariaPressed = String(now.filter.classes.includes(order[place]))));
      chart.show(now.condition === training.key ? now.step : training.steps.length - 1);
    },
  };
}
