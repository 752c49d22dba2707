/** The emergence map: layers over training, with the slider of steps as a line through it. */

import { readEmergence, readLayerCounts, type Emergence, type LayerCounts } from "../data/findings";
import type { Condition } from "../data/format";
import { h, replaceText, s, widthOf } from "../dom";
import type { ChangeView, Snapshot } from "../state/snapshot";
import type { Changes, View } from "../state/view";
import { measureText } from "../text_width";
import { stepLabel } from "./formatting";
import { drawEmergence, drawMap, drawNames } from "./map_chart";
import { mapKey } from "./map_key";
import { makeRowLabels, type RowLabels } from "./map_labels";
import { groupByStep, placeNames } from "./map_names";
import { mapGeometry, skylineOf, type MapGeometry } from "./map_rows";
import type { Panel } from "./panel";
import { makePlayer } from "./player";
import { mapSentences } from "./sentences";
import { makeStepCursor, stepAt } from "./step_cursor";

/** Share of the screen's height that the map fills. */
const SHARE = 0.45;
const measure = measureText("12px system-ui, sans-serif");

/** What a condition's map shows. */
interface MapContent {
  condition: Condition;
  /** From the deepest layer down; none where emergence does not apply. */
  rows: LayerCounts[];
  emergences: (Emergence | null)[];
}

export function makeEmergenceMap(
  change: (changes: Changes) => Promise<void>,
  currentView: () => View,
): Panel & { stop(): void } {
  const changeView: ChangeView = (changes) => void change(changes);
  const player = makePlayer(change, currentView);
  const area = h("div", { class: "map-area" });
  const now = h("output", { class: "now", "aria-live": "polite" });
  const finding = h("div", { class: "finding" });
  const key = h("div", { class: "map-key" });
  const cursor = makeStepCursor(area, (step) => changeView({ step }));
  const element = h(
    "div",
    { class: "map" },
    h("div", { class: "map-head" }, player.button, now, key),
    area,
    finding,
  );
  let last: Snapshot | null = null;
  let drawn: { of: string; content: MapContent; geometry: MapGeometry; labels: RowLabels } | null = null;
  const draw = async (snapshot: Snapshot): Promise<typeof drawn> => {
    const of = `${snapshot.view.condition} ${width()} ${window.innerHeight}`;
    if (drawn?.of === of) return drawn;
    const content = await readContent(snapshot);
    if (last !== snapshot) return null;
    const { rows, condition } = content;
    const geometry = mapGeometry(rows, condition, width(), SHARE * window.innerHeight);
    const labels = makeRowLabels(rows, geometry, changeView);
    area.style.height = `${geometry.height}px`;
    area.replaceChildren(...drawing(snapshot, content, geometry), labels.element, cursor.element);
    key.replaceChildren(...mapKey(rows, condition));
    return (drawn = { of, content, geometry, labels });
  };
  const update = async (snapshot: Snapshot) => {
    last = snapshot;
    const { atlas, view } = snapshot;
    const condition = atlas.condition(view.condition);
    player.update(snapshot);
    element.hidden = condition.kind !== "training" && condition.steps.length < 2;
    if (element.hidden || !width()) return;
    const now = await draw(snapshot);
    if (!now || last !== snapshot) return;
    cursor.show(
      now.geometry.axis,
      view.step,
      stepLabel(condition, view.step),
      accuracyText(condition, view.step),
    );
    now.labels.show(view);
    finding.replaceChildren(
      ...mapSentences(snapshot, now.content.rows).map((text) => h("p", {}, `${text} `)),
    );
  };
  const width = widthOf(area, () => last && void update(last));
  area.addEventListener("click", (event) => {
    if (!drawn || cursor.element.contains(event.target as Node)) return;
    const { geometry, content } = drawn;
    const y = event.clientY - area.getBoundingClientRect().top;
    const row = geometry.bands.findIndex(({ top, height }) => y >= top && y < top + height);
    const layer = content.rows[row]?.layer.key;
    changeView({ step: stepAt(event, area, geometry.axis), ...(layer && { layer }) });
  });
  return {
    element,
    stop: player.stop,
    update(snapshot) {
      describeStep(now, snapshot);
      void update(snapshot);
    },
  };
}

async function readContent({ atlas, view }: Snapshot): Promise<MapContent> {
  const condition = atlas.condition(view.condition);
  if (condition.kind !== "training") return { condition, rows: [], emergences: [] };
  const rows = (await readLayerCounts(atlas, condition.key)).reverse();
  const emergences = await Promise.all(rows.map(({ layer }) => readEmergence(atlas, layer.key)));
  return { condition, rows, emergences };
}

/** The chart, and the names of the classes over it: the line of the cursor runs between the two. */
function drawing(
  { atlas, marks }: Snapshot,
  { condition, rows, emergences }: MapContent,
  geometry: MapGeometry,
): SVGElement[] {
  const { axis, bands, width, height } = geometry;
  const chart = drawMap(rows, condition, geometry, measure);
  const over = s("svg", { class: "map-names", width, height, "aria-hidden": "true" });
  const x = (step: number) => axis.left + axis.width * axis.positions[step];
  if (condition.steps.length < 2) return [chart];
  emergences.forEach((emergence, row) => {
    if (!emergence) return;
    const groups = groupByStep(emergence.order, emergence.first, x);
    const names = placeNames(
      groups,
      atlas.attributes.classes,
      bands[row].names,
      [axis.left, axis.left + axis.width],
      measure,
      skylineOf(rows[row], bands[row], axis),
    );
    chart.append(drawEmergence(names, bands[row]));
    over.append(drawNames(names, marks));
  });
  return [chart, over];
}

function accuracyText({ steps }: Condition, step: number): string {
  const { accuracy } = steps[step];
  return accuracy === null ? "" : `accuracy ${(100 * accuracy).toFixed(1)} %`;
}

/** The step in words, with the distance of its frame from the one before. */
function describeStep(now: HTMLElement, { atlas, view }: Snapshot): void {
  const condition = atlas.condition(view.condition);
  const { residual, angle } = condition.steps[view.step];
  replaceText(
    now,
    h("b", {}, stepLabel(condition, view.step)),
    h("span", {}, accuracyText(condition, view.step)),
    h(
      "span",
      { title: "Alignment to the previous checkpoint: residual and remaining rotation" },
      residual === null || angle === null ? "" : `residual ${residual.toFixed(2)}, ${angle.toFixed(1)}°`,
    ),
  );
}
