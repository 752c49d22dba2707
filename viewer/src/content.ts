/** From what is chosen to what the space shows. */

import { bestView, FRONT, type Camera } from "./camera";
import type { Placed } from "./points";
import type { Mark } from "./colours";
import { threeOf } from "./dimensions";
import { reachOf, shownPositions, type Frame } from "./frame";
import { paint, PATH_COLOURS, type Painted } from "./paint";
import type { Path } from "./overlay";
import type { Paths } from "./paths";
import type { Run } from "./run";
import { focusRegion, type Shown } from "./shown";
import type { Space } from "./state";

/** What one pane shows. */
export interface PaneContent {
  placed: Placed;
  painted: Painted;
  directions: Float32Array;
  focus: number | null;
  path: Path | null;
  threads: Path[];
  caption: string | null;
}

export interface StageContent {
  panes: PaneContent[];
  names: string[];
  emphasised: number[];
  marks: Mark[];
  reach: number;
  circle: number;
  /** Where the space is seen from at first. */
  home: Camera;
  /** In a plane there is nothing to turn. */
  flat: boolean;
  /** Whether points may glide to their new places. */
  glides: boolean;
}

/** Paths that are drawn of a type; more would hide each other. */
const THREADS = 120;

/** Where the space is seen from, and how far it reaches: the same for all steps and layers, so that nothing jumps. */
export interface Setting {
  home: Camera;
  /** An attack or another model may reach farther than the training, and then has room for it. */
  reach(condition: string, space: Space): Promise<number>;
}

export async function settingOf(run: Run): Promise<Setting> {
  const [training] = run.attributes.conditions;
  const { dimensions } = run.attributes;
  const own = async (key: string, space: Space) => {
    const { layers, steps } = run.condition(key);
    const path =
      space === "images"
        ? `conditions/${key}/sample_position`
        : `layers/${layers[layers.length - 1]}/${key}/position`;
    // Damaged positions are told of when they are to be shown; a plain setting does until then.
    return run.positions(path, steps.length - 1).then(reachOf, () => 3);
  };
  const home = run.read<Float32Array>(`conditions/${training.key}/direction`, training.steps.length - 1).then(
    (found) => (dimensions === 2 ? FRONT : bestView(threeOf(found, dimensions))),
    () => FRONT,
  );
  const known = new Map<string, Promise<number>>();
  const reach = (condition: string, space: Space) => {
    const key = `${condition} ${space}`;
    const found =
      known.get(key) ??
      Promise.all([own(training.key, space), own(condition, space)]).then((both) => Math.max(...both));
    known.set(key, found);
    return found;
  };
  return { home: await home, reach };
}

/** Painting is done again only when what it depends on is another. */
export function makePainter() {
  const before = new Map<number, { depends: unknown[]; painted: Painted }>();
  return (pane: number, frame: Frame, { view, run, marks }: Shown, reach: number): Painted => {
    const depends = [frame, view.colour, view.space, view.filter, view.selection, reach];
    const known = before.get(pane);
    if (known?.depends.every((each, place) => each === depends[place])) return known.painted;
    const painted = paint(frame, view, run.labels, marks, reach);
    before.set(pane, { depends, painted });
    return painted;
  };
}

/** What is shown beside each other: another model beside the network of the training, or one frame alone. */
export function framesOf({ reference }: Shown, frame: Frame): Frame[] {
  const two = reference && frame.condition.kind === "model" && reference.regions === frame.regions;
  return two ? [reference, frame] : [frame];
}

export function stageContent(
  shown: Shown,
  frame: Frame,
  home: Camera,
  paths: Paths,
  painter: ReturnType<typeof makePainter>,
): StageContent {
  const { run, view, reach } = shown;
  const { dimensions, aligned, classes } = run.attributes;
  const pane = (place: number, of: Frame, caption: string | null): PaneContent => {
    const painted = painter(place, of, shown, reach);
    const found = focusPoint(shown, of, frame);
    const focus = found !== null && (painted.visible[found] || view.selection.length === 1) ? found : null;
    return {
      placed: shownPositions(of, view.space),
      painted,
      directions: threeOf(view.space === "regions" ? of.directions : of.sampleDirections, dimensions),
      focus,
      path:
        focus !== null && (view.selection.length === 1 || view.space === "images")
          ? pathOf(shown, of, focus, paths)
          : null,
      threads: threadsOf(shown, of, painted, paths),
      caption,
    };
  };
  const frames = framesOf(shown, frame);
  const panes =
    frames.length > 1
      ? frames.map((each, place) =>
          pane(place, each, place ? frame.condition.name : "Network of the training"),
        )
      : [pane(0, frame, null)];
  return {
    panes,
    names: classes,
    emphasised: view.filter.classes,
    marks: shown.marks,
    reach,
    home,
    circle: view.space === "regions" ? 1 : 0,
    flat: dimensions === 2,
    glides: aligned || frame.condition.kind === "attack",
  };
}

/** The point that is ringed: the chosen region, or the image that is shown. */
function focusPoint(shown: Shown, of: Frame, frame: Frame): number | null {
  const { view } = shown;
  if (view.space === "images") return view.image;
  if (view.selection.length > 1 || of.regions !== frame.regions) return null;
  const region = focusRegion(shown);
  return region === null ? null : view.image * of.regions + region;
}

function arrayOf({ view }: Shown, { condition, layer }: Frame): string {
  return view.space === "regions"
    ? `layers/${layer.key}/${condition.key}/position`
    : `conditions/${condition.key}/sample_position`;
}

function pathOf(shown: Shown, of: Frame, id: number, paths: Paths): Path | null {
  const [places] = paths.get({ array: arrayOf(shown, of), steps: of.condition.steps.length, ids: [id] });
  return places ? { places, now: of.step, colour: null } : null;
}

/** Some of the paths of the type that is picked out. */
function threadsOf(shown: Shown, of: Frame, { visible, shown: count }: Painted, paths: Paths): Path[] {
  const type = shown.view.filter.path;
  if (!type || !of.trajectory || shown.view.space !== "regions") return [];
  const every = Math.max(1, count / THREADS);
  const ids: number[] = [];
  for (let id = 0, seen = 0; id < visible.length; id++)
    if (visible[id] && seen++ >= ids.length * every) ids.push(id);
  return paths
    .get({ array: arrayOf(shown, of), steps: of.condition.steps.length, ids })
    .map((places) => ({ places, now: -1, colour: PATH_COLOURS[type] }));
}
