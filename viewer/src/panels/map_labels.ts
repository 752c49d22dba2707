/** The layers at the ends of the map's rows, with their numbers at the current step. */

import type { LayerCounts } from "../data/findings";
import { h } from "../dom";
import type { ChangeView } from "../state/snapshot";
import type { View } from "../state/view";
import { formatBits, formatBitsCount, formatCount, formatNumber } from "./formatting";
import type { MapGeometry } from "./map_rows";

export interface RowLabels {
  element: HTMLElement;
  show(view: View): void;
}

export function makeRowLabels(rows: LayerCounts[], geometry: MapGeometry, change: ChangeView): RowLabels {
  const { axis, bands, narrow, accuracy } = geometry;
  const left = narrow ? axis.left : axis.left + axis.width + 8;
  const labels = rows.map((layer, row) => {
    const band = h("div", {
      class: "map-row",
      style: `top:${bands[row].top}px;height:${bands[row].height}px`,
    });
    const numbers = h("span", { class: "layer-counts" });
    const button = h(
      "button",
      {
        class: "layer-label",
        style: `left:${left}px;top:${bands[row].top + 2}px;height:${narrow ? 37 : bands[row].height - 4}px`,
        click: (event: MouseEvent) => {
          event.stopPropagation();
          change({ layer: layer.layer.key });
        },
      },
      h("b", { class: "layer-name" }, layer.layer.name),
      numbers,
    );
    return { layer, band, button, numbers };
  });
  const share = h(
    "span",
    {
      class: "accuracy-label",
      style: narrow
        ? `left:${left}px;top:${accuracy.top - 18}px`
        : `left:${left + 7}px;top:${accuracy.top + 4}px`,
    },
    "accuracy",
  );
  return {
    element: h(
      "div",
      { class: `map-labels${narrow ? " narrow" : ""}` },
      ...labels.flatMap(({ band, button }) => [band, button]),
      rows.length > 0 && share,
    ),
    show(view) {
      for (const { layer, band, button, numbers } of labels) {
        const now = layer.rows[view.step];
        const here = layer.layer.key === view.layer;
        band.classList.toggle("here", here);
        button.setAttribute("aria-pressed", String(here));
        numbers.replaceChildren(...shortNumbers(now));
        button.title = longNumbers(layer.layer.name, now);
      }
    },
  };
}

type StepRow = LayerCounts["rows"][number];

function shortNumbers({ told, reliable, total }: StepRow): Node[] {
  const points = h(
    "span",
    {},
    h("b", {}, formatNumber(reliable.value)),
    ` of ${formatNumber(total.value)} points reliable`,
  );
  if (!told) return [points];
  return [
    h("span", {}, h("b", {}, formatBits(told.evidence.value)), ` of ${formatBits(told.readable.value)} bits`),
    points,
  ];
}

/** All numbers of a layer, with their intervals. */
function longNumbers(name: string, { told, reliable, total }: StepRow): string {
  const evidence = told
    ? `${formatBitsCount(told.evidence)} bits per region of ${formatBitsCount(told.readable)} readable, `
    : "";
  return `${name}: ${evidence}${formatCount(reliable)} reliable of ${formatCount(total)} knowledge points per image`;
}
