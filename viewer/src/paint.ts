/** Colour, shape and state of each point: what the shader draws and what picking sees. */

import {
  MUTED,
  PETROFF10,
  RELIABLE,
  UNRELIABLE,
  rgbOf,
  strengthColour,
  type Mark,
  type Rgb,
} from "./colours";
import { shownPositions, type Frame } from "./frame";
import type { Filter, View } from "./state";

/** How a point stands out; in the last byte of its look, times 8, beside its shape. A hidden point has 0. */
export const STATE = { faint: 1, plain: 2, strong: 3 } as const;

/** Types of an attack's paths, 1 to 4, in the order of the study; colours that differ from each other most. */
export const PATHS = [
  "no type",
  "feature to target",
  "to target past the origin",
  "nothing to target",
  "feature to nothing",
] as const;
export const PATH_COLOURS: Rgb[] = [MUTED, ...[2, 1, 0, 4].map((each) => rgbOf(PETROFF10[each]))];

export interface Painted {
  /** Red, green, blue, and 8 state + shape. */
  look: Uint8Array;
  /** 1 for points that pass the filter. */
  visible: Uint8Array;
  /** How many points pass, how many of them are not faint, and how many points there are. */
  shown: number;
  plain: number;
  count: number;
}

interface Look {
  rgb: Rgb;
  shape: number;
}

export function paint(frame: Frame, view: View, labels: Uint16Array, marks: Mark[], reach: number): Painted {
  const regional = view.space === "regions";
  const count = regional ? labels.length * frame.regions : labels.length;
  const look = new Uint8Array(4 * count);
  const visible = new Uint8Array(count);
  const passes = filterOf(frame, view, labels);
  const lookOf = lookOfPoints(frame, view, labels, marks, reach);
  const chosen = view.selection.length > 1 ? new Set(view.selection) : null;
  const fades = fadingOf(frame, view);
  let [shown, plain] = [0, 0];
  for (let id = 0; id < count; id++) {
    const image = regional ? Math.floor(id / frame.regions) : id;
    if (!passes(id, image)) continue;
    const { rgb, shape } = lookOf(id, image);
    const faint = chosen ? !chosen.has(id) : fades(id);
    const state = faint ? STATE.faint : chosen ? STATE.strong : STATE.plain;
    visible[id] = 1;
    shown++;
    if (!faint) plain++;
    look[4 * id] = rgb[0];
    look[4 * id + 1] = rgb[1];
    look[4 * id + 2] = rgb[2];
    look[4 * id + 3] = 8 * state + shape;
  }
  return { look, visible, shown, plain, count };
}

/** Points that the colours say nothing about stand back: no knowledge points, or under an attack those on no typed path. */
function fadingOf(
  { knowledge, trajectory }: Frame,
  { space, colour, filter }: View,
): (id: number) => boolean {
  if (space === "images" || colour === "strength") return () => false;
  if (colour === "path" && trajectory) return (id) => trajectory[id] === 0;
  return filter.points === "all" ? (id) => (knowledge[id] & 1) === 0 : () => false;
}

/** The class that the filter of classes is about: the one that the colours show, or else the true one. */
function classOfPoint(frame: Frame, view: Pick<View, "colour" | "space">, labels: Uint16Array) {
  if (view.colour === "predicted") return (_: number, image: number) => frame.predictions[image];
  if (view.colour === "knowledge" && view.space === "regions") return (id: number) => frame.category[id];
  return (_: number, image: number) => labels[image];
}

function filterOf(frame: Frame, view: View, labels: Uint16Array): (id: number, image: number) => boolean {
  const { classes, points, path } = view.filter;
  const wanted = new Uint8Array(65536).fill(classes.length ? 0 : 1);
  for (const each of classes) wanted[each] = 1;
  const classOf = classOfPoint(frame, view, labels);
  if (view.space === "images") return (id, image) => wanted[classOf(id, image)] === 1;
  const [bits, value] = KINDS[points];
  const { knowledge, trajectory } = frame;
  return (id, image) =>
    wanted[classOf(id, image)] === 1 &&
    (knowledge[id] & bits) === value &&
    (path === 0 || trajectory === null || trajectory[id] === path);
}

/** Bits of `knowledge` that are looked at, and what they must be. */
const KINDS: Record<Filter["points"], [number, number]> = {
  all: [0, 0],
  knowledge: [1, 1],
  reliable: [3, 3],
  unreliable: [3, 1],
};

function lookOfPoints(
  frame: Frame,
  view: View,
  labels: Uint16Array,
  marks: Mark[],
  reach: number,
): (id: number, image: number) => Look {
  const plain = (rgb: Rgb): Look => ({ rgb, shape: 0 });
  const [muted, good, bad] = [MUTED, RELIABLE, UNRELIABLE].map(plain);
  const { knowledge, category, predictions, trajectory } = frame;
  switch (view.colour) {
    case "predicted":
      return (_, image) => marks[predictions[image]];
    case "knowledge":
      return (id) => (knowledge[id] & 1 ? marks[category[id]] : muted);
    case "reliability":
      if (view.space === "images") return (_, image) => (predictions[image] === labels[image] ? good : bad);
      return (id) => (knowledge[id] & 2 ? good : knowledge[id] & 1 ? bad : muted);
    case "strength": {
      const { drawn, scale } = shownPositions(frame, view.space);
      const shades = Array.from({ length: 64 }, (_, each) => plain(strengthColour(each / 63)));
      return (id) => {
        const strength = scale * Math.hypot(drawn[3 * id], drawn[3 * id + 1], drawn[3 * id + 2]);
        return shades[Math.min(63, Math.floor((64 * strength) / reach))];
      };
    }
    case "path": {
      const looks = PATH_COLOURS.map(plain);
      return (id) => looks[trajectory?.[id] ?? 0];
    }
    default:
      return (_, image) => marks[labels[image]];
  }
}

/** Pixels of a point across: more points are smaller; faint ones count little, since they are small already. */
export function sizeOf({ shown, plain }: Painted, room: number): number {
  return Math.min(8, Math.max(2.2, (0.8 * room) / Math.sqrt(Math.max(1, plain + 0.1 * (shown - plain)))));
}
