/** What is seen of the panes: along which axes, how large, and where points and arrows are on their way. */

import { betweenAxes, dot, project, type Axes } from "../data/linear_view";
import { FRONT, type Camera } from "../state/camera";
import type { PaneContent, StageContent } from "./content";
import { atRest, moveTo, type Drawn, type Motion } from "./motion";

export interface Seen {
  camera: Camera;
  /** Axes and motion of each pane. */
  axes: Axes[];
  motions: Motion[];
  reach: number;
}

/** The view of a camera at rest; what is the same as before is taken from there. */
export function seenThrough(content: StageContent, camera: Camera, before: Seen | null): Seen {
  // An address may be that of another atlas.
  const classes = (camera.classes ?? []).filter((label) => label in content.names);
  const dragged = camera.axes?.[0].length === content.panes[0].positions.dimensions ? camera.axes : null;
  const axes = content.panes.map((pane) => dragged ?? pane.axesOf(classes));
  return along(content, camera, axes, content.reachOf(classes), before);
}

/** A view on the way from one to another. */
export function seenBetween(content: StageContent, from: Seen, to: Seen, share: number): Seen {
  const mix = (name: "azimuth" | "elevation" | "zoom" | "panX" | "panY") =>
    (1 - share) * from.camera[name] + share * to.camera[name];
  const camera = {
    ...to.camera,
    azimuth: mix("azimuth"),
    elevation: mix("elevation"),
    zoom: mix("zoom"),
    panX: mix("panX"),
    panY: mix("panY"),
  };
  const axes = to.axes.map((own, pane) => betweenAxes(from.axes[pane], own, share));
  return along(content, camera, axes, (1 - share) * from.reach + share * to.reach, null);
}

/** A view of other points that its points and arrows move to. */
export function movingTo(from: Seen, to: Seen): Seen {
  return {
    ...to,
    motions: to.motions.map((motion, pane) =>
      motion.to.points === from.motions[pane].to.points ? motion : moveTo(from.motions[pane], motion.to),
    ),
  };
}

function along(
  content: StageContent,
  camera: Camera,
  axes: Axes[],
  reach: number,
  before: Seen | null,
): Seen {
  const motions = content.panes.map((pane, place) => {
    const drawn = drawnAlong(pane, axes[place]);
    const motion = before?.motions[place];
    // The same points stay on their way.
    return motion && motion.morph < 1 && motion.to.points === drawn.points ? motion : atRest(drawn);
  });
  return { camera, axes, motions, reach };
}

const cache = new WeakMap<Int16Array, { axes: Axes; points: Float32Array }>();

/** Points and tips along axes; the same positions along the same axes give the same array. */
function drawnAlong({ positions: { all, scale }, arrows }: PaneContent, axes: Axes): Drawn {
  const cached = cache.get(all);
  const points = cached && sameAxes(cached.axes, axes) ? cached.points : project(all, axes, scale);
  cache.set(all, { axes, points });
  return { points, tips: Float32Array.from(arrows.flatMap((arrow) => axes.map((axis) => dot(axis, arrow)))) };
}

function sameAxes(one: Axes, other: Axes): boolean {
  return one === other || one.every((row, axis) => row.every((part, k) => part === other[axis][k]));
}

/** The camera of classes, seen from the front. */
export function facing(classes: number[]): Camera {
  return { ...FRONT, classes: classes.length ? classes : null };
}
