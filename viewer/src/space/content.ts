/** From a snapshot to the content of the space. */

import type { Atlas, DrawnPositions } from "../data/atlas";
import { inThreeDimensions } from "../data/dimensions";
import { positionsIn, reachOf, type Frame, type Reach, type Space } from "../data/frame";
import type { PathCache } from "../data/path_cache";
import { bestCamera, FRONT, type Camera } from "../state/camera";
import { TRAJECTORY_COLOURS, type Mark } from "../state/colours";
import { focusedRegion, type Snapshot } from "../state/snapshot";
import type { Path } from "./overlay";
import { paint, type PointLooks } from "./paint";

export interface PaneContent {
  positions: DrawnPositions;
  looks: PointLooks;
  directions: Float32Array;
  focus: number | null;
  path: Path | null;
  /** Further paths, drawn thin. */
  threads: Path[];
  caption: string | null;
}

export interface StageContent {
  panes: PaneContent[];
  names: string[];
  /** Classes that always have their name. */
  emphasised: number[];
  marks: Mark[];
  reach: number;
  /** Strength at the circle, or 0 for no circle. */
  circle: number;
  /** The initial camera. */
  home: Camera;
  /** Whether the space is a plane, which does not rotate. */
  flat: boolean;
  /** Whether points may move smoothly to their new positions. */
  smooth: boolean;
}

/** Most thin paths; more would hide each other. */
const MOST_THREADS = 120;

/** Camera and reach of the space: the same for all steps and layers, so that nothing jumps. */
export interface Viewpoint {
  home: Camera;
  /** At least the reach of the training; an attack or a student may reach farther. */
  reach(condition: string, space: Space): Promise<Reach>;
}

export async function readViewpoint(atlas: Atlas): Promise<Viewpoint> {
  const [training] = atlas.attributes.conditions;
  const { dimensions } = atlas.attributes;
  const lastReach = async (key: string, space: Space) => {
    const { layers, steps } = atlas.condition(key);
    const path =
      space === "images"
        ? `conditions/${key}/sample_position`
        : `layers/${layers[layers.length - 1]}/${key}/position`;
    // Damaged positions are reported when they are shown; until then a default does.
    return atlas.positions(path, steps.length - 1).then(reachOf, () => ({ drawn: 3, strength: 3 }));
  };
  const home = atlas
    .read<Float32Array>(`conditions/${training.key}/direction`, training.steps.length - 1)
    .then(
      (directions) => (dimensions === 2 ? FRONT : bestCamera(inThreeDimensions(directions, dimensions))),
      () => FRONT,
    );
  const cache = new Map<string, Promise<Reach>>();
  const reach = (condition: string, space: Space) => {
    const key = `${condition} ${space}`;
    const value =
      cache.get(key) ??
      Promise.all([lastReach(training.key, space), lastReach(condition, space)]).then((both) => ({
        drawn: Math.max(...both.map(({ drawn }) => drawn)),
        strength: Math.max(...both.map(({ strength }) => strength)),
      }));
    cache.set(key, value);
    return value;
  };
  return { home: await home, reach };
}

/** A painter that paints a pane again only when something that it depends on differs. */
export function makePainter() {
  const cache = new Map<number, { dependencies: unknown[]; looks: PointLooks }>();
  return (pane: number, frame: Frame, { atlas, view, marks, reach }: Snapshot): PointLooks => {
    const dependencies = [frame, view.colour, view.space, view.filter, view.selection, reach];
    const cached = cache.get(pane);
    if (cached?.dependencies.every((value, index) => value === dependencies[index])) return cached.looks;
    const ends = { strength: reach.strength, bits: atlas.attributes.evidence?.most ?? 1 };
    const looks = paint(frame, view, atlas.labels, marks, ends);
    cache.set(pane, { dependencies, looks });
    return looks;
  };
}

/** The frames side by side: a student beside its teacher, otherwise one frame alone. */
export function framesOf({ reference }: Snapshot, frame: Frame): Frame[] {
  const paired = reference && frame.condition.kind === "model" && reference.regions === frame.regions;
  return paired ? [reference, frame] : [frame];
}

export function stageContent(
  snapshot: Snapshot,
  frame: Frame,
  home: Camera,
  paths: PathCache,
  painter: ReturnType<typeof makePainter>,
): StageContent {
  const { atlas, view, reach } = snapshot;
  const { dimensions, aligned, classes } = atlas.attributes;
  const pane = (index: number, source: Frame, caption: string | null): PaneContent => {
    const looks = painter(index, source, snapshot);
    const point = focusedPoint(snapshot, source, frame);
    const focus = point !== null && (looks.visible[point] || view.selection.length === 1) ? point : null;
    return {
      positions: positionsIn(source, view.space),
      looks,
      directions: inThreeDimensions(
        view.space === "regions" ? source.directions : source.sampleDirections,
        dimensions,
      ),
      focus,
      path:
        focus !== null && (view.selection.length === 1 || view.space === "images")
          ? pathOf(snapshot, source, focus, paths)
          : null,
      threads: threadsOf(snapshot, source, looks, paths),
      caption,
    };
  };
  const frames = framesOf(snapshot, frame);
  const panes =
    frames.length > 1
      ? frames.map((source, index) => pane(index, source, index ? frame.condition.name : "Teacher"))
      : [pane(0, frame, null)];
  return {
    panes,
    names: classes,
    emphasised: view.filter.classes,
    marks: snapshot.marks,
    reach: reach.drawn,
    home,
    // Seen along three of more axes, a point inside the circle may be stronger than it.
    circle: view.space === "regions" && dimensions <= 3 ? 1 : 0,
    flat: dimensions === 2,
    smooth: aligned || frame.condition.kind === "attack",
  };
}

/** The ringed point: the region in focus, or the image in view. */
function focusedPoint(snapshot: Snapshot, source: Frame, frame: Frame): number | null {
  const { view } = snapshot;
  if (view.space === "images") return view.image;
  if (view.selection.length > 1 || source.regions !== frame.regions) return null;
  const region = focusedRegion(snapshot);
  return region === null ? null : view.image * source.regions + region;
}

function positionArray({ view }: Snapshot, { condition, layer }: Frame): string {
  return view.space === "regions"
    ? `layers/${layer.key}/${condition.key}/position`
    : `conditions/${condition.key}/sample_position`;
}

function pathOf(snapshot: Snapshot, source: Frame, id: number, paths: PathCache): Path | null {
  const [places] = paths.get({
    array: positionArray(snapshot, source),
    steps: source.condition.steps.length,
    ids: [id],
  });
  return places ? { places, now: source.step, colour: null } : null;
}

/** A subset of the trajectories of the type in the filter. */
function threadsOf(
  snapshot: Snapshot,
  source: Frame,
  { visible, shown: count }: PointLooks,
  paths: PathCache,
): Path[] {
  const type = snapshot.view.filter.path;
  if (!type || !source.trajectory || snapshot.view.space !== "regions") return [];
  const stride = Math.max(1, count / MOST_THREADS);
  const ids: number[] = [];
  for (let id = 0, passed = 0; id < visible.length; id++)
    if (visible[id] && passed++ >= ids.length * stride) ids.push(id);
  return paths
    .get({ array: positionArray(snapshot, source), steps: source.condition.steps.length, ids })
    .map((places) => ({ places, now: -1, colour: TRAJECTORY_COLOURS[type] }));
}
