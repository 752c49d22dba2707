/** The radial space: points, their overlay, and the input that turns, picks and lassoes them. */

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
import { makeCloud, type Box, type Cloud } from "./cloud";
import type { StageContent } from "./content";
import { animate, atRest, moveTo, positionOf, weightsOf, type Motion } from "./motion";
import { drawOverlay, type Drawing } from "./overlay";
import { pointSize } from "./paint";
import { lasso, pick, project, type Scene } from "./picking";
import { listenToPointer, type PointerInput } from "./pointer_input";
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
  /** Whether WebGL2 is available to draw points. */
  draws: boolean;
  /** Resolves when all points are at their positions. */
  show(content: StageContent): Promise<void>;
  /** Show nothing, so that nothing can be selected or saved. */
  clear(): void;
  setCamera(camera: Camera | null): void;
  setLasso(on: boolean): void;
  lassoIsOn(): boolean;
  /** The points of the current (last) pane, for picking and for tests. */
  scene(): Scene | null;
  pick(x: number, y: number): number;
  refresh(): void;
  finish(): void;
  picture(): {
    cloud: HTMLCanvasElement | null;
    overlay: SVGSVGElement;
    paper: Rgb;
    width: number;
    height: number;
  };
  move(change: (camera: Camera) => Camera): void;
  destroy(): void;
}

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
  let cloud: Cloud | null = null;
  let content: StageContent | null = null;
  let motions: Motion[] = [];
  let camera: Camera | null = null;
  let hover: number | null = null;
  let hoverPane = 0;
  let polygon: [number, number][] = [];
  let [width, height] = [1, 1];
  let paper: Rgb | null = null;
  let frameRequest = 0;
  /** Whether the points have to be drawn again too, not only the overlay. */
  let stale = false;
  let animationNumber = 0;

  const begin = () => {
    cloud = makeCloud(
      shaped,
      () => events.lost(true),
      () => {
        events.lost(false);
        redraw();
      },
    );
    if (cloud) element.append(cloud.canvas);
    element.append(overlay, tip);
  };

  const currentCamera = (): Camera => camera ?? content?.home ?? FRONT;
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
    viewMatrix(currentCamera(), box.width / box.height, (content as StageContent).reach);
  const sceneOf = (pane: number): Scene => {
    const box = boxes()[pane];
    const { looks } = (content as StageContent).panes[pane];
    return { motion: motions[pane], visible: looks.visible, matrix: matrixOf(box), box };
  };
  const paneAt = (x: number) =>
    Math.min(boxes().length - 1, Math.max(0, Math.floor((x * boxes().length) / width)));

  const drawPoints = (content: StageContent, boxes: Box[]) => {
    paper ??= paperOf(element);
    const size =
      pointSize(content.panes[0].looks, Math.min(boxes[0].width, height)) * Math.sqrt(currentCamera().zoom);
    cloud?.draw(
      boxes.map((box, pane) => ({ box, matrix: matrixOf(box), weights: weightsOf(motions[pane]), size })),
      paper,
    );
  };
  const draw = (points = true) => {
    if (!content) return;
    const current = content;
    const panes = boxes();
    if (points) drawPoints(current, panes);
    drawOverlay(
      overlay,
      panes.map((box, pane) => drawingOf(current, pane, box)),
      polygon,
    );
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

  const drawingOf = (content: StageContent, pane: number, box: Box): Drawing => {
    const { directions, focus, path, threads, caption, looks } = content.panes[pane];
    const matrix = matrixOf(box);
    const at = (id: number | null) =>
      id !== null && id < looks.count ? positionOf(motions[pane], id) : null;
    return {
      box,
      path,
      threads,
      caption,
      directions,
      project: (x, y, z) => project(matrix, box, x, y, z),
      names: content.names,
      emphasised: content.emphasised,
      marks: content.marks,
      arrow: 0.95 * content.reach,
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

  const move = (change: (camera: Camera) => Camera) => {
    const next = change(currentCamera());
    camera = content?.flat ? { ...next, azimuth: 0, elevation: 0 } : next;
    setHover(-1, -1);
    events.camera(camera);
    redraw();
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
    home: () => {
      camera = null;
      events.camera(currentCamera());
      redraw();
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
    cloud?.resize(width, height, Math.min(2, window.devicePixelRatio || 1));
    // At once: a resized canvas is empty until it is drawn.
    draw();
  });
  begin();
  resizes.observe(element);

  return {
    element,
    draws: cloud !== null,
    async show(next) {
      const smooth =
        next.smooth && !reducedMotion() && content !== null && motions.length === next.panes.length;
      content = next;
      const own = ++animationNumber;
      motions = next.panes.map(({ positions }, pane) => {
        if (motions[pane]?.to === positions) return motions[pane];
        return smooth ? moveTo(motions[pane], positions) : atRest(positions);
      });
      next.panes.forEach(({ looks }, pane) => {
        cloud?.setPositions(pane, motions[pane].from, motions[pane].to);
        cloud?.setLook(pane, looks.look);
      });
      setHover(-1, -1);
      draw();
      if (motions.every(({ morph }) => morph === 1)) return;
      const starts = motions.map(({ morph }) => morph);
      await animate(
        (share) => {
          motions.forEach((motion, pane) => (motion.morph = starts[pane] + (1 - starts[pane]) * share));
          draw();
        },
        () => own !== animationNumber,
      );
    },
    clear() {
      animationNumber++;
      setHover(-1, -1);
      [content, motions] = [null, []];
      overlay.replaceChildren();
    },
    setCamera(next) {
      camera = next;
      redraw();
    },
    setLasso: (on) => input.setLasso(on),
    lassoIsOn: () => input.lassoIsOn(),
    scene: () => (content ? sceneOf(content.panes.length - 1) : null),
    pick: (x, y) => (content ? pick(sceneOf(paneAt(x)), x, y) : -1),
    refresh,
    finish: () => cloud?.finish(),
    picture() {
      draw();
      return { cloud: cloud?.canvas ?? null, overlay, paper: paperOf(element), width, height };
    },
    move,
    destroy() {
      resizes.disconnect();
      hosts.disconnect();
      system.removeEventListener("change", refresh);
      input.stop();
      cancelAnimationFrame(frameRequest);
      animationNumber++;
      cloud?.destroy();
    },
  };
}

function paperOf(element: Element): Rgb {
  const channels = getComputedStyle(element).backgroundColor.match(/[\d.]+/g) ?? ["255", "255", "255"];
  return channels.slice(0, 3).map(Number) as Rgb;
}
