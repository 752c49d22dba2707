/** What a person has chosen to see, its checks, and the address that keeps it. */

import type { Camera } from "./camera";
import type { Condition, Grid } from "./format";
import type { Run } from "./run";

const COLOURS = ["true", "predicted", "knowledge", "reliability", "strength", "path"] as const;
export type Colour = (typeof COLOURS)[number];
const POINTS = ["all", "knowledge", "reliable", "unreliable"] as const;
export type Points = (typeof POINTS)[number];
export type Space = "regions" | "images";

/** Which points are shown: of some classes (none means all), of a kind, on a type of path (0 means any). */
export interface Filter {
  classes: number[];
  points: Points;
  path: number;
}

export interface View {
  condition: string;
  layer: string;
  step: number;
  space: Space;
  colour: Colour;
  filter: Filter;
  /** Ids of points: regions, or images where the space shows those. */
  selection: number[];
  image: number;
  importance: boolean;
  /** Nothing: the view in which the directions lie farthest apart. */
  camera: Camera | null;
}

/** The first view: the deepest layer at the end of training. */
export function firstView(run: Run): View {
  const condition = run.attributes.conditions[0];
  return {
    condition: condition.key,
    layer: condition.layers[condition.layers.length - 1],
    step: condition.steps.length - 1,
    space: "regions",
    colour: "true",
    filter: { classes: [], points: "all", path: 0 },
    selection: [],
    image: 0,
    importance: false,
    camera: null,
  };
}

/** A view with changes, made possible: a layer that the condition has, a step in its range, ids that exist. */
export function changed(run: Run, view: View, changes: Partial<View>): View {
  const next = { ...view, ...changes };
  const { conditions, n_images, classes } = run.attributes;
  const condition = conditions.find((each) => each.key === next.condition) ?? conditions[0];
  next.condition = condition.key;
  if (condition.key !== view.condition && changes.step === undefined) next.step = condition.steps.length - 1;
  next.step = clamp(Math.round(next.step), condition.steps.length);
  next.layer = nearestLayer(run, condition, next.layer);
  next.image = clamp(Math.round(next.image), n_images);
  const coloursHere = coloursOf(condition, next.space);
  if (!coloursHere.includes(next.colour)) next.colour = "true";
  next.filter = filterIn(condition, classes.length, next.filter);
  next.selection = selectionIn(run, view, next, changes.selection !== undefined);
  return next;
}

/** The same filter where nothing about it has to change: what depends on it is not done again. */
function filterIn(condition: Condition, classes: number, filter: Filter): Filter {
  const path = condition.kind === "attack" ? filter.path : 0;
  const known = filter.classes.filter((each) => each >= 0 && each < classes);
  if (path === filter.path && known.length === filter.classes.length) return filter;
  return { ...filter, path, classes: known };
}

/** Ways to colour points that have a meaning in a condition and a space. */
export function coloursOf(condition: Condition, space: Space): Colour[] {
  if (space === "images") return ["true", "predicted", "reliability", "strength"];
  return COLOURS.filter((each) => each !== "path" || condition.kind === "attack");
}

function nearestLayer(run: Run, condition: Condition, layer: string): string {
  if (condition.layers.includes(layer)) return layer;
  const order = run.attributes.layers.map((each) => each.key);
  const away = (key: string) => Math.abs(order.indexOf(key) - order.indexOf(layer));
  return condition.layers.reduce((best, each) => (away(each) < away(best) ? each : best));
}

function selectionIn(run: Run, before: View, next: View, given: boolean): number[] {
  const grid = run.grid(next.condition, next.layer);
  const regions = grid[0] * grid[1];
  const count = run.attributes.n_images * (next.space === "images" ? 1 : regions);
  const here = (id: number) => Number.isInteger(id) && id >= 0 && id < count;
  if (given) return next.selection.filter(here);
  if (next.space !== before.space) return [];
  const from = run.grid(before.condition, before.layer);
  if (next.space === "images" || sameGrid(from, grid)) return next.selection;
  return [...new Set(next.selection.map((id) => samePlace(id, from, grid)))].filter(here);
}

function sameGrid(one: Grid, other: Grid): boolean {
  return one[0] === other[0] && one[1] === other[1];
}

/** The id of the region of another grid that lies at the same place of the same image. */
export function samePlace(id: number, from: Grid, to: Grid): number {
  if (sameGrid(from, to)) return id;
  const image = Math.floor(id / (from[0] * from[1]));
  const region = id % (from[0] * from[1]);
  const along = (place: number, axis: 0 | 1) => Math.floor(((place + 0.5) * to[axis]) / from[axis]);
  const row = along(Math.floor(region / from[1]), 0);
  return image * to[0] * to[1] + row * to[1] + along(region % from[1], 1);
}

function clamp(value: number, count: number): number {
  return Number.isFinite(value) ? Math.min(count - 1, Math.max(0, value)) : 0;
}

/** Longest text of a selection in an address; a larger one is not kept there. */
const LONGEST = 4000;

/** The view as the part of an address behind `#`. */
export function toAddress(view: View): string {
  const { filter, camera } = view;
  const parts: Record<string, string | number | false> = {
    condition: view.condition,
    layer: view.layer,
    step: view.step,
    space: view.space !== "regions" && view.space,
    colour: view.colour !== "true" && view.colour,
    classes: filter.classes.length > 0 && filter.classes.join("."),
    points: filter.points !== "all" && filter.points,
    path: filter.path > 0 && filter.path,
    image: view.image,
    importance: view.importance && 1,
    selection: view.selection.length > 0 && packIds(view.selection),
    camera:
      camera !== null &&
      cameraNumbers(camera)
        .map((each) => +each.toFixed(3))
        .join("_"),
  };
  if (typeof parts.selection === "string" && parts.selection.length > LONGEST) parts.selection = false;
  const kept = Object.entries(parts).filter(([, value]) => value !== false);
  return kept.map(([name, value]) => `${name}=${encodeURIComponent(value as string)}`).join("&");
}

/** The changes that an address asks for; what is not understood is left out. */
export function fromAddress(text: string): Partial<View> {
  const found = new URLSearchParams(text.replace(/^#/, ""));
  const changes: Partial<View> = {};
  const number = (name: string) =>
    /^\d+$/.test(found.get(name) ?? "") ? Number(found.get(name)) : undefined;
  const oneOf = <T extends string>(name: string, all: readonly T[]) =>
    all.find((each) => each === found.get(name));
  const put = <K extends keyof View>(name: K, value: View[K] | undefined) => {
    if (value !== undefined) changes[name] = value;
  };
  put("condition", found.get("condition") ?? undefined);
  put("layer", found.get("layer") ?? undefined);
  put("step", number("step"));
  put("image", number("image"));
  put("space", oneOf("space", ["regions", "images"] as const));
  put("colour", oneOf("colour", COLOURS));
  put("importance", found.has("importance") ? true : undefined);
  put("selection", found.has("selection") ? unpackIds(found.get("selection") as string) : undefined);
  const classes = (found.get("classes") ?? "")
    .split(".")
    .filter((each) => /^\d+$/.test(each))
    .map(Number);
  const points = oneOf("points", POINTS) ?? "all";
  if (["classes", "points", "path"].some((name) => found.has(name)))
    changes.filter = { classes, points, path: Math.min(4, number("path") ?? 0) };
  const seen = (found.get("camera") ?? "").split("_").map(Number);
  if (seen.length === 5 && seen.every(Number.isFinite))
    changes.camera = {
      azimuth: seen[0],
      elevation: seen[1],
      zoom: Math.max(0.3, seen[2]),
      panX: seen[3],
      panY: seen[4],
    };
  return changes;
}

function cameraNumbers({ azimuth, elevation, zoom, panX, panY }: Camera): number[] {
  return [azimuth, elevation, zoom, panX, panY];
}

/** Ids in order as differences in base 36, runs as `first~count`. */
export function packIds(ids: number[]): string {
  const sorted = [...ids].sort((a, b) => a - b);
  const parts: string[] = [];
  let before = 0;
  for (let at = 0; at < sorted.length;) {
    let run = 1;
    while (at + run < sorted.length && sorted[at + run] === sorted[at] + run) run++;
    parts.push((sorted[at] - before).toString(36) + (run > 1 ? `~${run.toString(36)}` : ""));
    before = sorted[at] + run - 1;
    at += run;
  }
  return parts.join(".");
}

export function unpackIds(text: string): number[] {
  const ids: number[] = [];
  let before = 0;
  for (const part of text.split(".")) {
    const [away, run = "1"] = part.split("~");
    const [first, count] = [before + parseInt(away, 36), parseInt(run, 36)];
    if (!Number.isFinite(first) || !(count > 0 && count < 1e6)) continue;
    for (let each = 0; each < count; each++) ids.push(first + each);
    before = first + count - 1;
  }
  return ids;
}
