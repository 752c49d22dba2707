/** The view of classes: axes that separate them at a step of a layer, and the lengths of their arrows. */

import type { Atlas } from "../data/atlas";
import { classStrengths, positionsIn, strengthReach, type Frame, type Space } from "../data/frame";
import { arrangement, dot, EXACT_CLASSES, rowsOf, separatingAxes, type Axes } from "../data/linear_view";
import { pointsByClass, separate, type Separation } from "../data/separation";

/** Scales shared by all steps and layers, so that nothing jumps; classes: none for all. */
export interface Viewpoint {
  /** Strength at the edge of the space: that of the training, or more where an attack or a student has more. */
  reach(condition: string, space: Space): Promise<number>;
  /** The axes that separate classes at a step of a layer. */
  axes(frame: Frame, space: Space, classes: number[]): Axes;
  /** Length of the longest mean direction of classes as seen at the end of the training. */
  longest(space: Space, classes: number[]): number;
  /** Mean directions times the lengths of their arrows: the strength of the class at this step. */
  arrows(frame: Frame, space: Space, reach: number): number[][];
  /** Which classes a line separates at a step of a layer. */
  separation(frame: Frame, space: Space, classes: number[]): Separation;
}

/** Values computed from the positions of a step: by the visible classes, and the strength of each class. */
interface Derived {
  axes: Map<string, Axes>;
  separations: Map<string, Separation>;
  strengths: number[] | null;
}

export async function readViewpoint(atlas: Atlas): Promise<Viewpoint> {
  const { dimensions, conditions, classes } = atlas.attributes;
  const [training] = conditions;
  const directions = await lastDirections(atlas);
  const last = async (key: string, space: Space) => {
    const { layers, steps } = atlas.condition(key);
    const path =
      space === "images"
        ? `conditions/${key}/sample_position`
        : `layers/${layers[layers.length - 1]}/${key}/position`;
    return atlas.positions(path, steps.length - 1);
  };
  const strongest = { regions: 1, images: 1 };
  for (const space of ["regions", "images"] as const)
    await last(training.key, space).then(
      (positions) => {
        const regions = positions.all.length / dimensions / atlas.labels.length;
        const strengths = classStrengths(
          positions,
          directions,
          (id) => atlas.labels[Math.floor(id / regions)],
        );
        strongest[space] = Math.max(1e-6, ...strengths);
      },
      () => null,
    );
  const orders = keep((classes: number[]) => arrangement(directions, classes));
  const lengths = keep((classes: number[]) => {
    const order = orders(classes);
    const axes = separatingAxes(directions, order);
    return Math.max(
      1e-6,
      ...order.map((label) => Math.hypot(...axes.map((axis) => dot(axis, directions[label])))),
    );
  });
  const reaches = new Map<string, Promise<number>>();
  const derived = new WeakMap<Int16Array, Derived>();
  /** Kept as long as the positions, however often the frame around them is rebuilt. */
  const derivedOf = (frame: Frame, space: Space) => {
    const { all } = positionsIn(frame, space);
    const known = derived.get(all) ?? { axes: new Map(), separations: new Map(), strengths: null };
    derived.set(all, known);
    return known;
  };
  const classOf = (frame: Frame, space: Space) => {
    if (space === "images") return (id: number) => atlas.labels[id];
    const { knowledge, regions } = frame;
    return (id: number) => (knowledge[id] & 1 ? atlas.labels[Math.floor(id / regions)] : -1);
  };
  const separation = (frame: Frame, space: Space, shown: number[]) => {
    const { separations } = derivedOf(frame, space);
    const key = shown.join();
    const known = separations.get(key);
    if (known) return known;
    const { all, scale } = positionsIn(frame, space);
    const points = pointsByClass(all, dimensions, scale, classes.length, classOf(frame, space));
    const made = separate(points, dimensions, shown.length ? shown : classes.map((_, label) => label));
    separations.set(key, made);
    return made;
  };
  return {
    reach(condition, space) {
      const key = `${condition} ${space}`;
      const value =
        reaches.get(key) ??
        Promise.all(
          // Damaged positions are reported when they are shown; until then a default does.
          [training.key, condition].map((which) => last(which, space).then(strengthReach, () => 3)),
        ).then((both) => Math.max(...both));
      reaches.set(key, value);
      return value;
    },
    axes(frame, space, classes) {
      const known = derivedOf(frame, space).axes;
      const key = classes.join();
      const value =
        known.get(key) ??
        axesAt(directionsOf(frame, space), orders(classes), () => separation(frame, space, classes));
      known.set(key, value);
      return value;
    },
    longest: (_, classes) => lengths(classes),
    arrows(frame, space, reach) {
      const regions = space === "images" ? 1 : frame.regions;
      const own = directionsOf(frame, space);
      const known = derivedOf(frame, space);
      const strengths = (known.strengths ??= classStrengths(
        positionsIn(frame, space),
        own,
        (id) => atlas.labels[Math.floor(id / regions)],
      ));
      const longest = 0.95 * reach;
      return own.map((row, label) =>
        row.map((part) => part * longest * Math.min(1, strengths[label] / strongest[space])),
      );
    },
    separation,
  };
}

/** Mean directions at the end of the training; damage is reported where they are shown. */
async function lastDirections(atlas: Atlas): Promise<number[][]> {
  const { dimensions, conditions, classes } = atlas.attributes;
  const [{ key, steps }] = conditions;
  try {
    return rowsOf(
      await atlas.read<Float32Array>(`conditions/${key}/direction`, steps.length - 1),
      dimensions,
    );
  } catch {
    return classes.map((_, label) =>
      Array.from({ length: dimensions }, (_, axis) => Number(axis === label % dimensions)),
    );
  }
}

function axesAt(directions: number[][], order: number[], separation: () => Separation): Axes {
  const axes = separatingAxes(directions, order);
  const exact = order.length <= EXACT_CLASSES || directions[0].length <= 2;
  return exact ? axes : separation().refine(axes);
}

function directionsOf(frame: Frame, space: Space): number[][] {
  const values = space === "images" ? frame.sampleDirections : frame.directions;
  return rowsOf(values, positionsIn(frame, space).dimensions);
}

/** A function of classes that remembers. */
function keep<T>(make: (classes: number[]) => T): (classes: number[]) => T {
  const known = new Map<string, T>();
  return (classes) => {
    const key = classes.join();
    if (!known.has(key)) known.set(key, make(classes));
    return known.get(key) as T;
  };
}
