/** The visible and selected points as CSV. */

import { positionsIn, type Frame } from "../data/frame";
import { isUninformed } from "../data/regions";
import type { Snapshot } from "../state/snapshot";
import { formatKind } from "./formatting";

/** Return the lines of the table: what the points are, what they predict, where they lie. */
export function pointLines(snapshot: Snapshot, visible: Uint8Array): string[] {
  const { atlas, view, frame } = snapshot;
  if (!frame) return [];
  const { names, labels, attributes } = atlas;
  const className = (label: number) => quote(attributes.classes[label]);
  const { all, dimensions, scale } = positionsIn(frame, view.space);
  const axes = Array.from({ length: dimensions }, (_, axis) => `x${axis + 1}`);
  const regional = view.space === "regions";
  const selection = new Set(view.selection);
  const ofRegions = regional ? regionColumns(frame) : [];
  const head = ["point", "image", "name", "true_class", "predicted_class", "selected", ...ofRegions, ...axes];
  const lines = [head.join(",")];
  for (let id = 0; id < visible.length; id++) {
    if (!visible[id] && !selection.has(id)) continue;
    const image = regional ? Math.floor(id / frame.regions) : id;
    const position = axes.map((_, axis) => Number((scale * all[dimensions * id + axis]).toPrecision(5)));
    lines.push(
      [
        id,
        image,
        quote(names[image]),
        className(labels[image]),
        className(frame.predictions[image]),
        Number(selection.has(id)),
        ...(regional ? regionValues(frame, id, className) : []),
        ...position,
      ].join(","),
    );
  }
  return lines;
}

function regionColumns({ trajectory, bits, stability }: Frame): string[] {
  return [
    ...["row", "column", "region_class", "p", "knowledge_point"],
    ...(bits ? ["bits"] : []),
    ...(stability ? ["stability"] : []),
    ...(trajectory ? ["trajectory"] : []),
  ];
}

function regionValues(frame: Frame, id: number, className: (label: number) => string): (string | number)[] {
  const { category, confidence, trajectory, grid, bits, stability } = frame;
  const region = id % frame.regions;
  return [
    Math.floor(region / grid[1]),
    region % grid[1],
    isUninformed(frame, id) ? "" : className(category[id]),
    (confidence[id] / 255).toFixed(3),
    formatKind(frame, id),
    ...(bits ? [(bits.scale * bits.values[id]).toFixed(2)] : []),
    ...(stability ? [(stability.values[id] / stability.refits).toFixed(3)] : []),
    ...(trajectory ? [trajectory[id]] : []),
  ];
}

export function quote(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
