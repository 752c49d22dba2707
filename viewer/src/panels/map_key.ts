/** The legend of the emergence map. */

import type { LayerCounts } from "../data/findings";
import type { Condition } from "../data/format";
import { isGap } from "../data/steps";
import { h } from "../dom";

export function mapKey(rows: LayerCounts[], { steps }: Condition): HTMLElement[] {
  const item = (kind: string, text: string) =>
    h("span", { class: "key-item" }, h("span", { class: `map-swatch ${kind}` }), text);
  if (!rows.length) return [];
  const measured = rows.some((layer) => layer.rows.some(({ told }) => told));
  const bits = [item("evidence", "evidence, bits per region, 95 %"), item("readable", "readable")];
  return [
    ...(measured ? bits : []),
    item("reliable", "reliable points per image"),
    item("unreliable", "unreliable"),
    ...(rows.some(({ chance }) => chance) ? [item("chance", "chance")] : []),
    ...(steps.length > 1 ? [item("emerges", "class emerges")] : []),
    ...(steps.some(isGap) ? [item("gap", "too far apart to follow points")] : []),
  ];
}
