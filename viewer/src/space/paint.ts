/** Colour, shape and state of each point, for the shader and for picking. */

import { positionsIn, type Frame } from "../data/frame";
import { bitsAt, strengthAt } from "../data/regions";
import {
  evidenceColour,
  MUTED,
  RELIABLE,
  strengthColour,
  TRAJECTORY_COLOURS,
  TRAJECTORY_SHAPES,
  UNRELIABLE,
  type Look,
  type Mark,
  type Rgb,
} from "../state/colours";
import { passing } from "../state/facets";
import type { View } from "../state/view";

/**
 * Emphasis of a point: times 8 in the last byte of its look, with its shape and 32 times its confidence, 0 to 7. Hidden
 * points have 0.
 */
export const STATE = { faint: 1, plain: 2, strong: 3 } as const;

export interface PointLooks {
  /** Red, green, blue, and 32 sureness + 8 state + shape. */
  look: Uint8Array;
  /** 1 for points that pass the filter. */
  visible: Uint8Array;
  /** Numbers of visible points, of those that are not faint, and of all points. */
  shown: number;
  plain: number;
  count: number;
}

/** Strength and bits at the ends of their scales of colours. */
export interface ScaleEnds {
  strength: number;
  bits: number;
}

export function paint(
  frame: Frame,
  view: View,
  labels: Uint16Array,
  marks: Mark[],
  ends: ScaleEnds,
): PointLooks {
  const regional = view.space === "regions";
  const count = regional ? labels.length * frame.regions : labels.length;
  const look = new Uint8Array(4 * count);
  const visible = new Uint8Array(count);
  const { regions, images } = passing(frame, view.filter, labels);
  const passes = regional ? (id: number) => regions[id] > 0 : (id: number) => images[id] > 0;
  const lookOf = lookOfPoints(frame, view, labels, marks, ends);
  const selected = view.selection.length > 1 ? new Set(view.selection) : null;
  const isFaint = faintPoints(frame, view);
  const outside = [...MUTED, 8 * STATE.faint];
  const sureness = surenessOf(frame, view, ends);
  let [shown, plain] = [0, 0];
  for (let id = 0; id < count; id++) {
    const image = regional ? Math.floor(id / frame.regions) : id;
    if (!passes(id)) {
      if (view.filter.outside) look.set(outside, 4 * id);
      continue;
    }
    const own = lookOf(id, image);
    const { rgb, shape } = own;
    const faint = selected ? !selected.has(id) : isFaint(id);
    // Crosses are distinguishable from discs if they are larger and in front.
    const strong = selected !== null || own === UNRELIABLE;
    const state = faint ? STATE.faint : strong ? STATE.strong : STATE.plain;
    visible[id] = 1;
    shown++;
    if (!faint) plain++;
    look[4 * id] = rgb[0];
    look[4 * id + 1] = rgb[1];
    look[4 * id + 2] = rgb[2];
    look[4 * id + 3] = 32 * sureness(id) + 8 * state + shape;
  }
  return { look, visible, shown, plain, count };
}

/** Points without a meaning in the current colours are faint: no knowledge point, or no trajectory type. */
function faintPoints(
  { knowledge, trajectory }: Frame,
  { space, colour, filter }: View,
): (id: number) => boolean {
  if (space === "images" || colour === "strength" || colour === "evidence") return () => false;
  if (colour === "path" && trajectory) return (id) => trajectory[id] === 0;
  return filter.points === "all" ? (id) => (knowledge[id] & 1) === 0 : () => false;
}

/** The confidence of a point, 0 to 7: by the probability of its class, or by the strength of an image. */
function surenessOf(frame: Frame, view: View, { strength }: ScaleEnds): (id: number) => number {
  if (view.space === "regions") return (id) => frame.confidence[id] >> 5;
  return (id) => Math.min(7, Math.floor((8 * strengthAt(frame.sample, id)) / strength));
}

function lookOfPoints(
  frame: Frame,
  view: View,
  labels: Uint16Array,
  marks: Mark[],
  ends: ScaleEnds,
): (id: number, image: number) => Look {
  const plain = (rgb: Rgb): Look => ({ rgb, shape: 0 });
  const [muted, reliable, unreliable] = [plain(MUTED), RELIABLE, UNRELIABLE];
  const { knowledge, category, predictions, trajectory } = frame;
  switch (view.colour) {
    case "predicted":
      return (_, image) => marks[predictions[image]];
    case "knowledge":
      return (id) => (knowledge[id] & 1 ? marks[category[id]] : muted);
    case "reliability":
      if (view.space === "images")
        return (_, image) => (predictions[image] === labels[image] ? reliable : unreliable);
      return (id) => (knowledge[id] & 2 ? reliable : knowledge[id] & 1 ? unreliable : muted);
    case "strength": {
      const positions = positionsIn(frame, view.space);
      const shades = Array.from({ length: 64 }, (_, shade) => plain(strengthColour(shade / 63)));
      return (id) => shades[Math.min(63, Math.floor((64 * strengthAt(positions, id)) / ends.strength))];
    }
    case "evidence": {
      const shades = Array.from({ length: 129 }, (_, shade) => plain(evidenceColour(shade / 64 - 1)));
      return (id) => {
        const share = Math.max(-1, Math.min(1, (bitsAt(frame, id) ?? 0) / ends.bits));
        return shades[Math.round(64 * share) + 64];
      };
    }
    case "path": {
      const looks = TRAJECTORY_COLOURS.map((rgb, type) => ({ rgb, shape: TRAJECTORY_SHAPES[type] }));
      return (id) => looks[trajectory?.[id] ?? 0];
    }
    default:
      return (_, image) => marks[labels[image]];
  }
}

/** Diameter of a point in pixels: smaller for more points; faint ones count little, being small already. */
export function pointSize({ shown, plain }: PointLooks, room: number): number {
  return Math.min(8, Math.max(2.2, (0.8 * room) / Math.sqrt(Math.max(1, plain + 0.1 * (shown - plain)))));
}
