/** A view together with the data that it shows: what every part of the page draws. */

import type { Atlas } from "../data/atlas";
import type { AttackImages } from "../data/attack_images";
import type { Frame } from "../data/frame";
import { topRegion } from "../data/regions";
import type { Thumbnails } from "../data/thumbnails";
import type { Mark } from "./colours";
import { concernsRegions, passing } from "./facets";
import { samePlace, type Changes, type View } from "./view";

export interface Snapshot {
  atlas: Atlas;
  view: View;
  marks: Mark[];
  /** Null where its arrays are damaged; `problem` is then a sentence. */
  frame: Frame | null;
  problem: string | null;
  /** Strength at the end of the scale of colours and at the edge of the space. */
  reach: number;
  /** The frame to compare with: clean images for an attack, the teacher for a student. */
  reference: Frame | null;
  clean: Thumbnails;
  /** The pictures of an attack, where they are stored. */
  attacked: AttackImages | null;
}

export type ChangeView = (changes: Changes) => void;

/** Select a region as drawn: if another layer is selected by now, the region at the same position. */
export function selectRegion({ atlas, view: drawn }: Snapshot, image: number, region: number): Changes {
  const from = atlas.grid(drawn.condition, drawn.layer);
  const id = image * from[0] * from[1] + region;
  return ({ condition, layer }) => ({
    space: "regions",
    image,
    selection: [samePlace(id, from, atlas.grid(condition, layer))],
  });
}

/** Regions of an image to highlight: of several selected ones, otherwise those that pass facets of regions. */
export function highlightedIn({ atlas, view, frame }: Snapshot, image: number): ReadonlySet<number> {
  if (view.space === "regions" && view.selection.length > 1) return new Set(view.selection);
  if (!frame || !concernsRegions(view.filter)) return new Set();
  const { regions } = passing(frame, view.filter, atlas.labels);
  const ids = Array.from({ length: frame.regions }, (_, region) => image * frame.regions + region);
  return new Set(ids.filter((id) => regions[id]));
}

/** The selected region of the image in view, if it is the only selected point. */
export function selectedRegion({ view, atlas }: Pick<Snapshot, "view" | "atlas">): number | null {
  if (view.space !== "regions" || view.selection.length !== 1) return null;
  const [rows, columns] = atlas.grid(view.condition, view.layer);
  const [id] = view.selection;
  return Math.floor(id / (rows * columns)) === view.image ? id % (rows * columns) : null;
}

/**
 * The region in focus: the selected one, otherwise the top region of the predicted class. In a comparison that is the
 * class predicted by the reference, so that the region can be followed.
 */
export function focusedRegion(snapshot: Snapshot): number | null {
  const selected = selectedRegion(snapshot);
  if (selected !== null || !snapshot.frame) return selected;
  const { atlas, frame, reference, view } = snapshot;
  const source = reference?.regions === frame.regions ? reference : frame;
  return topRegion(atlas, source, view.image, source.predictions[view.image]);
}
