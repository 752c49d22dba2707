/** From a snapshot to the content of the space. */

import { separatedClasses } from "../state/facets";
import type { Positions } from "../data/atlas";
import type { Condition } from "../data/format";
import { positionsIn, type Frame, type FrameKey } from "../data/frame";
import type { Axes } from "../data/linear_view";
import type { PathCache } from "../data/path_cache";
import { isGap } from "../data/steps";
import { TRAJECTORY_COLOURS, type Mark } from "../state/colours";
import { focusedRegion, type Snapshot } from "../state/snapshot";
import type { Viewpoint } from "./class_view";
import type { Path } from "./overlay";
import { paint, type PointLooks } from "./paint";

export interface PaneContent {
  positions: Positions;
  looks: PointLooks;
  /** Mean directions of the classes in all dimensions, times the lengths of their arrows. */
  arrows: number[][];
  /** The axes that separate classes here; of none, those that are shown. */
  axesOf(classes: number[]): Axes;
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
  /** Half the size of the space for a view of classes. */
  reachOf(classes: number[]): number;
  /** Classes that are shown; none for all. */
  shown: number[];
  /** Strength at the circle, or 0 for no circle. */
  circle: number;
  /** Whether the space is a plane, which does not rotate. */
  flat: boolean;
  /** What the points are of. */
  step: FrameKey;
  /** Whether points may move smoothly from another step; otherwise one picture fades into the other. */
  smooth(from: FrameKey): boolean;
}

/** Most thin paths; more would hide each other. */
const MOST_THREADS = 120;

/** A painter that paints a pane again only when something that it depends on differs. */
export function makePainter() {
  const cache = new Map<number, { dependencies: unknown[]; looks: PointLooks }>();
  return (pane: number, frame: Frame, { atlas, view, marks, reach }: Snapshot): PointLooks => {
    const dependencies = [frame, view.colour, view.space, view.filter, view.selection, reach];
    const cached = cache.get(pane);
    if (cached?.dependencies.every((value, index) => value === dependencies[index])) return cached.looks;
    const ends = { strength: reach, bits: atlas.attributes.evidence?.most ?? 1 };
    const looks = paint(frame, view, atlas.labels, marks, ends);
    cache.set(pane, { dependencies, looks });
    return looks;
  };
}

/** The frames side by side: a student next to its teacher, otherwise a single frame. */
export function framesOf({ reference }: Snapshot, frame: Frame): Frame[] {
  const paired = reference && frame.condition.kind === "model" && reference.regions === frame.regions;
  return paired ? [reference, frame] : [frame];
}

export function stageContent(
  snapshot: Snapshot,
  frame: Frame,
  viewpoint: Viewpoint,
  paths: PathCache,
  painter: ReturnType<typeof makePainter>,
): StageContent {
  const { atlas, view, reach } = snapshot;
  const { dimensions, aligned, classes } = atlas.attributes;
  const shown = separatedClasses(view.filter);
  const pane = (index: number, source: Frame, caption: string | null): PaneContent => {
    const looks = painter(index, source, snapshot);
    const point = focusedPoint(snapshot, source, frame);
    const focus = point !== null && (looks.visible[point] || view.selection.length === 1) ? point : null;
    return {
      positions: positionsIn(source, view.space),
      looks,
      arrows: viewpoint.arrows(source, view.space, reach),
      axesOf: (classes) => viewpoint.axes(source, view.space, classes.length ? classes : shown),
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
    emphasised: shown,
    shown,
    marks: snapshot.marks,
    reachOf: (classes) => reach * viewpoint.longest(view.space, classes.length ? classes : shown),
    // Seen along three of more axes, a point inside the circle may be stronger than it.
    circle: view.space === "regions" && dimensions <= 3 ? 1 : 0,
    flat: dimensions === 2,
    step: { condition: view.condition, layer: view.layer, step: view.step },
    smooth: (from) =>
      aligned ? !gapBetween(frame.condition, from, frame.step) : frame.condition.kind === "attack",
  };
}

/** Whether two steps of a condition have a gap between them. */
function gapBetween({ key, steps }: Condition, from: FrameKey, step: number): boolean {
  if (from.condition !== key) return false;
  const [first, last] = [Math.min(from.step, step), Math.max(from.step, step)];
  return steps.slice(first + 1, last + 1).some(isGap);
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
