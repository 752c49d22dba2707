/** The radial space: points, their overlay, and the input that turns, picks and lassoes them. */

import { project as projectAlong, type Axes } from "../data/linear_view";
import { h, reducedMotion, s } from "../dom";
import {
  FRONT,
  panCamera,
  turnCamera,
  viewMatrix,
  zoomCamera,
  type Camera,
  type Matrix,
} from "../state/camera";
import type { Rgb } from "../state/colours";
import { arrowAt, draggedAxes } from "./arrow_drag";
import type { Box, Cloud } from "./cloud";
import type { StageContent } from "./content";
import { fadeFrom } from "./fading";
import { animate, positionOf, tipOf, weightsOf } from "./motion";
import { drawDensity } from "./density";
import { makeGpuCloud } from "./gpu_cloud";
import { drawOverlay, type Drawing, type Path } from "./overlay";
import { pointSize } from "./paint";
import { makePlainCloud } from "./plain_cloud";
import { lasso, pick, project, type Scene } from "./picking";
import { listenToPointer, type PointerInput } from "./pointer_input";
import { facing, movingTo, seenBetween, seenThrough, type Seen } from "./seen";
import { placeTip } from "./text_placement";

export interface StageEvents {
  /** A click on a point, or on none. */
  pick(id: number | null): void;
  lasso(ids: number[]): void;
  /** The camera was moved. */
  camera(camera: Camera): void;
  /** The content of the tooltip of a point. */
  describe(id: number, pane: number): Node;
  next(by: 1 | -1): void;
  /** The WebGL context was lost, or is back. */
  lost(gone: boolean): void;
}

export interface Stage {
  element: HTMLElement;
  /** Resolves when all points are at their positions. */
  show(content: StageContent): Promise<void>;
  /** Show nothing, so that nothing can be selected or saved. */
  clear(): void;
  setCamera(camera: Camera | null): void;
  /** Rotate continuously to the view that separates classes; without any, the visible ones. */
  flyTo(classes: number[]): Promise<void>;
  /** The camera, and the axes of the current (last) pane before it turns these. */
  seen(): { camera: Camera; axes: Axes } | null;
  setLasso(on: boolean): void;
  /** Draw contours of the density of points whenever the view rests. */
  setDensity(on: boolean): void;
  lassoIsOn(): boolean;
  /** The points of the current (last) pane, for picking and for tests. */
  scene(): Scene | null;
  pick(x: number, y: number): number;
  refresh(): void;
  finish(): void;
  picture(): {
    cloud: HTMLCanvasElement;
    overlay: SVGSVGElement;
    paper: Rgb;
    width: number;
    height: number;
  };
  move(change: (camera: Camera) => Camera): void;
  destroy(): void;
}

/** Milliseconds without a new picture until contours are drawn. */
const DENSITY_REST = 150;

export function makeStage(events: StageEvents, { shaped }: { shaped: boolean }): Stage {
  const overlay = s("svg", { class: "overlay", "aria-hidden": "true" });
  const tip = h("div", { class: "tip", hidden: true });
  const element = h("div", {
    class: "stage",
    tabindex: 0,
    role: "application",
    "aria-label":
      "Radial space. Arrow keys rotate it, with Shift they pan; plus and minus zoom; 0 resets the view; " +
      "N and B select the next and the previous point.",
  });
  let content: StageContent | null = null;
  let seen: Seen | null = null;
  let camera: Camera | null = null;
  let grabbed: number | null = null;
  let hover: number | null = null;
  let hoverPane = 0;
  let polygon: [number, number][] = [];
  let [width, height] = [1, 1];
  let paper: Rgb | null = null;
  let frameRequest = 0;
  /** Whether the points have to be drawn again too, not only the overlay. */
  let stale = false;
  let animationNumber = 0;
  let dense = false;
  let densityTimer = 0;

  const cloud: Cloud =
    makeGpuCloud(
      shaped,
      () => events.lost(true),
      () => {
        events.lost(false);
        redraw();
      },
    ) ?? makePlainCloud();
  element.append(cloud.canvas, overlay, tip);

  const currentCamera = (): Camera => seen?.camera ?? camera ?? FRONT;
  const boxes = (): Box[] => {
    const count = content?.panes.length ?? 1;
    return Array.from({ length: count }, (_, pane) => ({
      left: (pane * width) / count,
      top: 0,
      width: width / count,
      height,
    }));
  };
  const matrixOf = (box: Box): Matrix =>
    viewMatrix(currentCamera(), box.width / box.height, (seen as Seen).reach);
  const sceneOf = (pane: number): Scene => {
    const box = boxes()[pane];
    const { looks } = (content as StageContent).panes[pane];
    return { motion: (seen as Seen).motions[pane], ...looks, matrix: matrixOf(box), box };
  };
  const paneAt = (x: number) =>
    Math.min(boxes().length - 1, Math.max(0, Math.floor((x * boxes().length) / width)));

  const drawPoints = (content: StageContent, { motions }: Seen, boxes: Box[]) => {
    paper ??= paperOf(element);
    const size =
      pointSize(content.panes[0].looks, Math.min(boxes[0].width, height)) * Math.sqrt(currentCamera().zoom);
    content.panes.forEach(({ looks }, pane) => {
      cloud.setPositions(pane, motions[pane].from.points, motions[pane].to.points);
      cloud.setLook(pane, looks.look);
    });
    cloud.draw(
      boxes.map((box, pane) => ({ box, matrix: matrixOf(box), weights: weightsOf(motions[pane]), size })),
      paper,
    );
  };
  const draw = (points = true) => {
    if (!content || !seen) return;
    const [current, now] = [content, seen];
    const panes = boxes();
    if (points) drawPoints(current, now, panes);
    drawOverlay(
      overlay,
      panes.map((box, pane) => drawingOf(current, now, pane, box)),
      polygon,
    );
    clearTimeout(densityTimer);
    if (dense) densityTimer = window.setTimeout(addDensity, DENSITY_REST);
  };
  /** Below the rest of the overlay, once the points rest. */
  const addDensity = () => {
    if (content) overlay.prepend(...content.panes.map((_, pane) => drawDensity(sceneOf(pane))));
  };
  /** Cross-fade from the current picture to the next one. */
  const fade = () => {
    draw();
    fadeFrom(cloud.canvas);
  };
  /** Draw at the next animation frame; hovering redraws the overlay alone. */
  const redraw = (points = true) => {
    stale ||= points;
    frameRequest ||= requestAnimationFrame(() => {
      frameRequest = 0;
      draw(stale);
      stale = false;
    });
  };

  /** Read the background again after a change of theme. */
  const refresh = () => {
    paper = null;
    redraw();
  };
  // JupyterLab sets its theme on the body.
  const hosts = new MutationObserver(refresh);
  hosts.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", refresh);

  const drawingOf = (content: StageContent, { motions, axes }: Seen, pane: number, box: Box): Drawing => {
    const { focus, path, threads, caption, looks } = content.panes[pane];
    const matrix = matrixOf(box);
    const at = (id: number | null) =>
      id !== null && id < looks.count ? positionOf(motions[pane], id) : null;
    return {
      box,
      path: path && pathAlong(path, axes[pane]),
      threads: threads.map((thread) => pathAlong(thread, axes[pane])),
      caption,
      project: (x, y, z) => project(matrix, box, x, y, z),
      names: content.names,
      emphasised: content.emphasised,
      marks: content.marks,
      tips: content.names.map((_, label) => tipOf(motions[pane], label)),
      grabbed,
      circle: content.circle,
      focus: at(focus),
      hover: hover === focus ? null : at(hover),
    };
  };

  const setHover = (x: number, y: number) => {
    const pane = paneAt(x);
    const id = content && x >= 0 ? pick(sceneOf(pane), x, y) : -1;
    const next = id < 0 ? null : id;
    element.classList.toggle("pointing", next !== null);
    if (next !== hover || pane !== hoverPane) {
      [hover, hoverPane] = [next, pane];
      tip.replaceChildren(...(next === null ? [] : [events.describe(next, pane)]));
      tip.hidden = next === null;
      redraw(false);
    }
    if (next !== null) placeTip(tip, x, y, width, height);
  };

  /** Show what a camera sees, at once. */
  const look = (next: Camera | null) => {
    camera = next;
    animationNumber++;
    if (content) seen = seenThrough(content, camera ?? FRONT, seen);
    redraw();
  };
  const move = (change: (camera: Camera) => Camera) => {
    const next = change(currentCamera());
    setHover(-1, -1);
    look(content?.flat ? { ...next, azimuth: 0, elevation: 0 } : next);
    events.camera(currentCamera());
  };

  /** Let what is seen change by steps, until another change. */
  const run = (step: (share: number) => void): Promise<boolean> => {
    const own = ++animationNumber;
    return animate(
      (share) => {
        step(share);
        draw();
      },
      () => own !== animationNumber,
    ).then(() => own === animationNumber);
  };
  /** Turn from what is seen to another view of the same points. */
  const turnTo = async (target: Seen) => {
    const from = seen;
    const now = content;
    if (from && now && !reducedMotion())
      if (!(await run((share) => (seen = share < 1 ? seenBetween(now, from, target, share) : target))))
        return;
    seen = target;
    redraw();
  };
  const flyTo = async (classes: number[]) => {
    camera = facing(classes);
    if (!content || !seen) return events.camera(camera);
    const target = seenThrough(content, camera, null);
    setHover(-1, -1);
    events.camera(camera);
    await turnTo(target);
  };

  const dragTo = (x: number, y: number) => {
    if (!content || !seen || grabbed === null) return;
    const pane = paneAt(x);
    const axes = draggedAxes(seen, pane, boxes()[pane], content.panes[pane].arrows[grabbed], [x, y]);
    move((camera) => ({ ...camera, axes }));
  };

  const input: PointerInput = listenToPointer(element, {
    turn: (right, up) =>
      content?.flat
        ? move((camera) => panCamera(camera, right, -up))
        : move((camera) => turnCamera(camera, -right, up)),
    pan: (right, up) => move((camera) => panCamera(camera, right, up)),
    zoom: (factor, x, y) => {
      const box = boxes()[paneAt(x ?? 0)];
      const half = height / 2;
      const right = x === undefined ? 0 : (x - box.left - box.width / 2) / half;
      move((camera) => zoomCamera(camera, factor, right, y === undefined ? 0 : (half - y) / half));
    },
    home: () => void flyTo([]),
    grab: (x, y) => {
      const pane = paneAt(x);
      if (!content || !seen || content.flat) return false;
      grabbed = arrowAt(seen, pane, boxes()[pane], matrixOf(boxes()[pane]), [x, y]);
      return grabbed !== null;
    },
    drag: dragTo,
    drop: () => {
      grabbed = null;
      redraw(false);
    },
    hover: setHover,
    click: (x, y) => {
      const id = content ? pick(sceneOf(paneAt(x)), x, y) : -1;
      events.pick(id < 0 ? null : id);
    },
    outline: (points, done) => {
      polygon = done ? [] : points;
      if (done && content) events.lasso(lasso(sceneOf(paneAt(points[0][0])), points));
      redraw(false);
    },
    next: events.next,
  });

  const resizes = new ResizeObserver(() => {
    [width, height] = [Math.max(1, element.clientWidth), Math.max(1, element.clientHeight)];
    overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    cloud.resize(width, height, Math.min(2, window.devicePixelRatio || 1));
    // At once: a resized canvas is empty until it is drawn.
    draw();
  });
  resizes.observe(element);

  return {
    element,
    async show(next) {
      const [before, last] = [seen, content];
      const same = before !== null && last?.panes.length === next.panes.length;
      const moved =
        same && next.panes.some(({ positions }, pane) => positions.all !== last.panes[pane].positions.all);
      const glides = same && !reducedMotion() && next.smooth(last.step);
      if (moved && !glides && !reducedMotion()) fade();
      content = next;
      const target = seenThrough(next, camera ?? FRONT, before);
      setHover(-1, -1);
      if (!glides || (!moved && target.axes.every((axes, pane) => axes === before.axes[pane]))) {
        if (moved) animationNumber++;
        seen = target;
        return draw();
      }
      if (!moved) return turnTo(target);
      seen = movingTo(before, target);
      await run((share) => seen?.motions.forEach((motion) => (motion.morph = Math.max(motion.morph, share))));
    },
    clear() {
      animationNumber++;
      setHover(-1, -1);
      [content, seen] = [null, null];
      overlay.replaceChildren();
    },
    setCamera: look,
    flyTo,
    seen: () => seen && { camera: seen.camera, axes: seen.axes[seen.axes.length - 1] },
    setLasso: (on) => input.setLasso(on),
    setDensity(on) {
      dense = on;
      redraw(false);
    },
    lassoIsOn: () => input.lassoIsOn(),
    scene: () => (content ? sceneOf(content.panes.length - 1) : null),
    pick: (x, y) => (content ? pick(sceneOf(paneAt(x)), x, y) : -1),
    refresh,
    finish: () => cloud.finish(),
    picture() {
      draw();
      return { cloud: cloud.canvas, overlay, paper: paperOf(element), width, height };
    },
    move,
    destroy() {
      resizes.disconnect();
      hosts.disconnect();
      system.removeEventListener("change", refresh);
      input.stop();
      cancelAnimationFrame(frameRequest);
      clearTimeout(densityTimer);
      animationNumber++;
      cloud.destroy();
    },
  };
}

/** A path along the axes that are shown. */
function pathAlong(path: Path, axes: Axes): Path {
  return { ...path, places: projectAlong(path.places, axes, 1) };
}

function paperOf(element: Element): Rgb {
  const channels = getComputedStyle(element).backgroundColor.match(/[\d.]+/g) ?? ["255", "255", "255"];
  return channels.slice(0, 3).map(Number) as Rgb;
}
