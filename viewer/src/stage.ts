/** The radial space: points, what is drawn over them, and the hands that turn, pick and lasso them. */

import { FRONT, panned, turned, viewMatrix, zoomed, type Camera, type Matrix } from "./camera";
import { makeCloud, type Box, type Cloud } from "./cloud";
import type { Rgb } from "./colours";
import type { StageContent } from "./content";
import { h, s } from "./dom";
import { listenToHands, type Hands } from "./hands";
import { glide, moved, placeOf, reducedMotion, still, weightsOf, type Motion } from "./motion";
import { drawOverlay, type Drawing } from "./overlay";
import { sizeOf } from "./paint";
import { placeTip } from "./tip";
import { lasso, pick, project, type Scene } from "./picking";

export interface StageEvents {
  /** A click on a point, or on none. */
  pick(id: number | null): void;
  lasso(ids: number[]): void;
  /** The camera has come to rest. */
  camera(camera: Camera): void;
  /** What to say of the point under the pointer. */
  describe(id: number, pane: number): Node;
  next(by: 1 | -1): void;
  /** The context was lost, or is back. */
  lost(gone: boolean): void;
}

export interface Stage {
  element: HTMLElement;
  /** Whether there is WebGL2 to draw points with. */
  draws: boolean;
  /** Resolves when all points are where they belong. */
  show(content: StageContent): Promise<void>;
  /** Show nothing, choose and save nothing: there is nothing that could be shown. */
  clear(): void;
  setCamera(camera: Camera | null): void;
  setLasso(on: boolean): void;
  lassoes(): boolean;
  /** What the current pane (the last one) shows, for picking and for tests. */
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
      "Radial space. Arrow keys turn it, with shift they move it, plus and minus zoom, 0 shows it from the front, " +
      "N and B go to the next and the previous point.",
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
  let asked = 0;
  /** Whether the points are to be drawn again too, not only what is over them. */
  let stale = false;
  let glideNumber = 0;

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

  const seen = (): Camera => camera ?? content?.home ?? FRONT;
  const boxes = (): Box[] => {
    const count = content?.panes.length ?? 1;
    return Array.from({ length: count }, (_, each) => ({
      left: (each * width) / count,
      top: 0,
      width: width / count,
      height,
    }));
  };
  const matrixOf = (box: Box): Matrix =>
    viewMatrix(seen(), box.width / box.height, (content as StageContent).reach);
  const sceneOf = (pane: number): Scene => {
    const box = boxes()[pane];
    const { painted } = (content as StageContent).panes[pane];
    return { motion: motions[pane], visible: painted.visible, matrix: matrixOf(box), box };
  };
  const paneAt = (x: number) =>
    Math.min(boxes().length - 1, Math.max(0, Math.floor((x * boxes().length) / width)));

  const drawPoints = (all: StageContent, shown: Box[]) => {
    paper ??= paperOf(element);
    const size = sizeOf(all.panes[0].painted, Math.min(shown[0].width, height)) * Math.sqrt(seen().zoom);
    cloud?.draw(
      shown.map((box, pane) => ({ box, matrix: matrixOf(box), weights: weightsOf(motions[pane]), size })),
      paper,
    );
  };
  const draw = (points = true) => {
    if (!content) return;
    const all = content;
    const shown = boxes();
    if (points) drawPoints(all, shown);
    drawOverlay(
      overlay,
      shown.map((box, pane) => drawingOf(all, pane, box)),
      polygon,
    );
  };
  /** At the next frame; what hovers over the points does not need them drawn again. */
  const redraw = (points = true) => {
    stale ||= points;
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      draw(stale);
      stale = false;
    });
  };

  /** After a change of theme, of the page or of the system. */
  const refresh = () => {
    paper = null;
    redraw();
  };
  // JupyterLab says its theme on the body.
  const hosts = new MutationObserver(refresh);
  hosts.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", refresh);

  const drawingOf = (all: StageContent, pane: number, box: Box): Drawing => {
    const { directions, focus, path, threads, caption, painted } = all.panes[pane];
    const matrix = matrixOf(box);
    const at = (id: number | null) => (id !== null && id < painted.count ? placeOf(motions[pane], id) : null);
    return {
      box,
      path,
      threads,
      caption,
      directions,
      project: (x, y, z) => project(matrix, box, x, y, z),
      names: all.names,
      emphasised: all.emphasised,
      marks: all.marks,
      arrow: 0.95 * all.reach,
      circle: all.circle,
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
    const next = change(seen());
    camera = content?.flat ? { ...next, azimuth: 0, elevation: 0 } : next;
    setHover(-1, -1);
    events.camera(camera);
    redraw();
  };

  const hands: Hands = listenToHands(element, {
    turn: (right, up) =>
      content?.flat ? move((each) => panned(each, right, -up)) : move((each) => turned(each, -right, up)),
    pan: (right, up) => move((each) => panned(each, right, up)),
    zoom: (factor, x, y) => {
      const box = boxes()[paneAt(x ?? 0)];
      const half = height / 2;
      const right = x === undefined ? 0 : (x - box.left - box.width / 2) / half;
      move((each) => zoomed(each, factor, right, y === undefined ? 0 : (half - y) / half));
    },
    home: () => {
      camera = null;
      events.camera(seen());
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

  const fit = new ResizeObserver(() => {
    [width, height] = [Math.max(1, element.clientWidth), Math.max(1, element.clientHeight)];
    overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    cloud?.resize(width, height, Math.min(2, window.devicePixelRatio || 1));
    // At once: a canvas that was resized is empty until it is drawn again.
    draw();
  });
  begin();
  fit.observe(element);

  return {
    element,
    draws: cloud !== null,
    async show(next) {
      const glides =
        next.glides && !reducedMotion() && content !== null && motions.length === next.panes.length;
      content = next;
      const own = ++glideNumber;
      motions = next.panes.map(({ placed }, pane) => {
        if (motions[pane]?.to === placed) return motions[pane];
        return glides ? moved(motions[pane], placed) : still(placed);
      });
      next.panes.forEach(({ painted }, pane) => {
        cloud?.place(pane, motions[pane].from, motions[pane].to);
        cloud?.paint(pane, painted.look);
      });
      setHover(-1, -1);
      draw();
      if (motions.every(({ morph }) => morph === 1)) return;
      const starts = motions.map(({ morph }) => morph);
      await glide(
        (share) => {
          motions.forEach((motion, pane) => (motion.morph = starts[pane] + (1 - starts[pane]) * share));
          draw();
        },
        () => own !== glideNumber,
      );
    },
    clear() {
      glideNumber++;
      setHover(-1, -1);
      [content, motions] = [null, []];
      overlay.replaceChildren();
    },
    setCamera(next) {
      camera = next;
      redraw();
    },
    setLasso: (on) => hands.setLasso(on),
    lassoes: () => hands.lassoes(),
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
      fit.disconnect();
      hosts.disconnect();
      system.removeEventListener("change", refresh);
      hands.stop();
      cancelAnimationFrame(asked);
      glideNumber++;
      cloud?.destroy();
    },
  };
}

function paperOf(element: Element): Rgb {
  const found = getComputedStyle(element).backgroundColor.match(/[\d.]+/g) ?? ["255", "255", "255"];
  return found.slice(0, 3).map(Number) as Rgb;
}
