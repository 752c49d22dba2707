/** The view: everything that a user can choose, kept valid for the atlas. */

import type { Atlas } from "../data/atlas";
import type { Counted } from "../data/confusions";
import type { Condition, Grid } from "../data/format";
import type { Space } from "../data/frame";
import { hasPatterns, offersPatterns } from "../data/patterns";
import { validCamera, type Camera } from "./camera";
import { NO_FILTER, validFilter, type Filter } from "./facets";

export const COLOURS = [
  "true",
  "predicted",
  "knowledge",
  "reliability",
  "evidence",
  "strength",
  "path",
] as const;
export type Colour = (typeof COLOURS)[number];
/** Orders of the images: by number, by their regions that pass the filter, misclassified ones first, by confidence. */
export const SORTS = ["number", "regions", "wrong"] as const;
export type Sort = (typeof SORTS)[number];
/** The tabs next to the image. */
export const TABS = ["confusions", "space", "ledger", "patterns"] as const;
export type TabName = (typeof TABS)[number];

/** The measure of similarity of regions: their embeddings at the step, or the stored features. */
export const LIKENESSES = ["embedding", "feature"] as const;
export type Likeness = (typeof LIKENESSES)[number];

export interface View {
  condition: string;
  layer: string;
  step: number;
  space: Space;
  colour: Colour;
  filter: Filter;
  /** Ids of points: of regions, or of images in their space. */
  selection: number[];
  image: number;
  sort: Sort;
  /** Page of the images, from 0. */
  page: number;
  alike: Likeness;
  importance: boolean;
  tab: TabName;
  /** Which regions the confusions count. */
  counted: Counted;
  /** Null for the initial camera, which spreads the directions most. */
  camera: Camera | null;
}

/**
 * Changes of the view: values, or a function of the current view. Relative changes need the function, since key
 * presses may come faster than the page draws: what is drawn may be older than the view.
 */
export type Changes = Partial<View> | ((view: View) => Partial<View>);

/** The first view: the deepest layer at the end of training. */
export function firstView(atlas: Atlas): View {
  const condition = atlas.attributes.conditions[0];
  return {
    condition: condition.key,
    layer: condition.layers[condition.layers.length - 1],
    step: condition.steps.length - 1,
    space: "regions",
    colour: "true",
    filter: NO_FILTER,
    selection: [],
    image: 0,
    sort: "number",
    page: 0,
    alike: "embedding",
    importance: false,
    tab: "space",
    counted: "regions",
    camera: null,
  };
}

/** Return the view with changes, kept valid: a layer of the condition, a step in range, ids that exist. */
export function applyChanges(atlas: Atlas, view: View, requested: Changes): View {
  const changes = typeof requested === "function" ? requested(view) : requested;
  const next = { ...view, ...changes };
  const { conditions, n_images } = atlas.attributes;
  const condition = conditions.find(({ key }) => key === next.condition) ?? conditions[0];
  next.condition = condition.key;
  if (condition.key !== view.condition && changes.step === undefined) next.step = condition.steps.length - 1;
  next.step = clamp(Math.round(next.step), condition.steps.length);
  next.layer = nearestLayer(atlas, condition, next.layer);
  next.image = clamp(Math.round(next.image), n_images);
  next.page = clamp(Math.round(next.page), n_images);
  next.colour = validColour(atlas, condition, view, next, changes.colour !== undefined);
  next.filter = validFilter(atlas, condition, next.filter);
  if (next.tab === "patterns" && !offersPatterns(atlas)) next.tab = "space";
  // A pattern is one of its layer.
  const other = next.layer !== view.layer && changes.filter === undefined;
  if (next.filter.pattern && (other || !hasPatterns(atlas, next.layer)))
    next.filter = { ...next.filter, pattern: 0 };
  next.camera = validCamera(next.camera, atlas.attributes.classes.length);
  next.selection = validSelection(atlas, view, next, changes.selection !== undefined);
  // A new selection, also one made in a notebook, also selects the image that contains most of it.
  if (changes.selection && changes.image === undefined)
    next.image = mostFrequent(next.selection.map((id) => imageOf({ atlas, view: next }, id))) ?? next.image;
  // Other images begin at their first page.
  if (changes.page === undefined && !sameOrder(view, next)) next.page = 0;
  return next;
}

/** Whether two views have the images in the same order, apart from what their steps change. */
function sameOrder(one: View, other: View): boolean {
  const chosen = ({ selection }: View) => (selection.length > 1 ? selection.join() : "");
  return one.filter === other.filter && one.sort === other.sort && chosen(one) === chosen(other);
}

/** The chosen colour where it applies; in another condition its first colour, unless another one had been chosen. */
function validColour(atlas: Atlas, condition: Condition, before: View, next: View, given: boolean): Colour {
  const colours = coloursOf(atlas, condition, next.space);
  const first = firstColour(condition, next.space);
  const old = firstColour(atlas.condition(before.condition), before.space);
  const followed = !given && first !== old && before.colour === old;
  return followed || !colours.includes(next.colour) ? first : next.colour;
}

/** What colours show at first: of a comparison, what is predicted, since the true classes do not differ. */
export function firstColour({ kind }: Condition, space: Space): Colour {
  return kind === "training" ? "true" : space === "images" ? "predicted" : "knowledge";
}

/** The colourings that apply to a condition and a space. */
export function coloursOf(atlas: Atlas, condition: Condition, space: Space): Colour[] {
  if (space === "images") return ["true", "predicted", "reliability", "strength"];
  const missing: Partial<Record<Colour, boolean>> = {
    path: condition.kind !== "attack",
    evidence: !condition.layers.every((layer) => atlas.has(`layers/${layer}/${condition.key}/bits`)),
  };
  return COLOURS.filter((colour) => !missing[colour]);
}

function nearestLayer(atlas: Atlas, condition: Condition, layer: string): string {
  if (condition.layers.includes(layer)) return layer;
  const order = atlas.attributes.layers.map(({ key }) => key);
  const distance = (key: string) => Math.abs(order.indexOf(key) - order.indexOf(layer));
  return condition.layers.reduce((best, key) => (distance(key) < distance(best) ? key : best));
}

function validSelection(atlas: Atlas, before: View, next: View, given: boolean): number[] {
  const grid = atlas.grid(next.condition, next.layer);
  const regions = grid[0] * grid[1];
  const count = atlas.attributes.n_images * (next.space === "images" ? 1 : regions);
  const exists = (id: number) => Number.isInteger(id) && id >= 0 && id < count;
  if (given) return [...new Set(next.selection)].filter(exists);
  const moved = translateIds(atlas, next.selection, before, next);
  return moved === next.selection ? moved : moved.filter(exists);
}

/** Translate ids of points to the layer of another view, place by place; none into another space. */
export function translateIds(atlas: Atlas, ids: number[], from: View, to: View): number[] {
  if (from.space !== to.space) return [];
  const [grid, other] = [from, to].map(({ condition, layer }) => atlas.grid(condition, layer));
  if (to.space === "images" || sameGrid(grid, other)) return ids;
  return [...new Set(ids.map((id) => samePlace(id, grid, other)))];
}

/** The image of a point. */
export function imageOf({ view, atlas }: { view: View; atlas: Atlas }, id: number): number {
  if (view.space === "images") return id;
  const [rows, columns] = atlas.grid(view.condition, view.layer);
  return Math.floor(id / (rows * columns));
}

function mostFrequent(images: number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const image of images) counts.set(image, (counts.get(image) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one)[0]?.[0];
}

function sameGrid(one: Grid, other: Grid): boolean {
  return one[0] === other[0] && one[1] === other[1];
}

/** The region of another grid at the same place of the same image. */
export function samePlace(id: number, from: Grid, to: Grid): number {
  if (sameGrid(from, to)) return id;
  const image = Math.floor(id / (from[0] * from[1]));
  const region = id % (from[0] * from[1]);
  const scaled = (index: number, axis: 0 | 1) => Math.floor(((index + 0.5) * to[axis]) / from[axis]);
  const row = scaled(Math.floor(region / from[1]), 0);
  return image * to[0] * to[1] + row * to[1] + scaled(region % from[1], 1);
}

function clamp(value: number, count: number): number {
  return Number.isFinite(value) ? Math.min(count - 1, Math.max(0, value)) : 0;
}
