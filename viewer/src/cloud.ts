/** The canvas of the points: its panes, drawn by the GPU. */

import { Camera as ThreeCamera, WebGLRenderer } from "three";
import type { Matrix } from "./camera";
import type { Rgb } from "./colours";
import { PointSet, type Placed } from "./points";

/** A part of the canvas, in CSS pixels from its top left. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Cloud {
  canvas: HTMLCanvasElement;
  resize(width: number, height: number, ratio: number): void;
  /** Give pane `place` its points and where they come from; the same arrays are not uploaded again. */
  place(pane: number, from: Placed, to: Placed): void;
  paint(pane: number, look: Uint8Array): void;
  draw(panes: { box: Box; matrix: Matrix; weights: [number, number]; size: number }[], paper: Rgb): void;
  /** Wait until the GPU has drawn: for measuring. */
  finish(): void;
  destroy(): void;
}

/** A cloud, or nothing where there is no WebGL2. `restored` is called after a lost context came back. */
export function makeCloud(shaped: boolean, lost: () => void, restored: () => void): Cloud | null {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("webgl2", {
    alpha: false,
    antialias: false,
  });
  if (!context) return null;
  const renderer = new WebGLRenderer({ canvas, context, antialias: false });
  renderer.autoClear = false;
  const camera = new ThreeCamera();
  const panes: PointSet[] = [];
  const pane = (place: number) => (panes[place] ??= new PointSet(shaped));
  canvas.addEventListener("webglcontextlost", lost);
  canvas.addEventListener("webglcontextrestored", restored);
  let height = 1;
  return {
    canvas,
    resize(across, down, ratio) {
      height = down;
      renderer.setPixelRatio(ratio);
      renderer.setSize(across, down, false);
    },
    place: (place, from, to) => pane(place).place(from, to),
    paint: (place, look) => pane(place).paint(look),
    draw(shown, paper) {
      renderer.setScissorTest(false);
      context.clearColor(paper[0] / 255, paper[1] / 255, paper[2] / 255, 1);
      context.clear(context.COLOR_BUFFER_BIT | context.DEPTH_BUFFER_BIT);
      shown.forEach(({ box, matrix, weights, size }, place) => {
        const { scene, uniforms } = pane(place);
        uniforms.view.value.fromArray(matrix);
        uniforms.weights.value.set(...weights);
        uniforms.size.value = size * renderer.getPixelRatio();
        uniforms.paper.value.set(paper[0] / 255, paper[1] / 255, paper[2] / 255);
        const below = height - box.top - box.height;
        renderer.setViewport(box.left, below, box.width, box.height);
        renderer.setScissor(box.left, below, box.width, box.height);
        renderer.setScissorTest(true);
        renderer.render(scene, camera);
      });
    },
    finish: () => context.readPixels(0, 0, 1, 1, context.RGBA, context.UNSIGNED_BYTE, new Uint8Array(4)),
    destroy() {
      canvas.removeEventListener("webglcontextlost", lost);
      canvas.removeEventListener("webglcontextrestored", restored);
      panes.forEach((each) => each.dispose());
      renderer.dispose();
      renderer.forceContextLoss();
    },
  };
}
