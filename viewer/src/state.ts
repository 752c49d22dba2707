/** What a person has chosen to see, and its checks. */

import type { Camera } from "./camera";
import type { Condition, Grid } from "./format";
import type { Run } from "./run";

export const COLOURS = ["true", "predicted", "knowledge", "reliability", "strength", "path"] as const;
export type Colour = (typeof COLOURS)[number];
export const POINTS = ["all", "knowledge", "reliable", "unreliable"] as const;
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

/**
 * What is to change: values, or a function of what is chosen by now. What is relative has to be the latter, because
 * presses come faster than pictures are drawn: what is shown may be older than what is chosen.
 */
export type Changes = Partial<View> | ((chosen: View) => Partial<View>);

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
export function changed(run: Run, view: View, wanted: Changes): View {
  const changes = typeof wanted === "function" ? wanted(view) : wanted;
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
  // Who chooses points, from a notebook as well, is shown the image that most of them are of.
  if (changes.selection && changes.image === undefined)
    next.image = mostOften(next.selection.map((id) => imageOf({ run, view: next }, id))) ?? next.image;
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
  const same = idsIn(run, next.selection, before, next);
  return same === next.selection ? same : same.filter(here);
}

/** Ids of points as one view has them, as another has them: at the same places; none where its points are other things. */
export function idsIn(run: Run, ids: number[], from: View, to: View): number[] {
  if (from.space !== to.space) return [];
  const [grid, other] = [from, to].map(({ condition, layer }) => run.grid(condition, layer));
  if (to.space === "images" || sameGrid(grid, other)) return ids;
  return [...new Set(ids.map((id) => samePlace(id, grid, other)))];
}

/** Index of the image, or of the image of the region, that a point stands for. */
export function imageOf({ view, run }: { view: View; run: Run }, id: number): number {
  if (view.space === "images") return id;
  const [rows, columns] = run.grid(view.condition, view.layer);
  return Math.floor(id / (rows * columns));
}

function mostOften(images: number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const image of images) counts.set(image, (counts.get(image) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one)[0]?.[0];
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
