/** What the marks of the emergence map mean. */

import type { LayerCounts } from "../data/findings";
import { h } from "../dom";

export function mapKey(rows: LayerCounts[]): HTMLElement[] {
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
    item("emerges", "class emerges"),
  ];
}
