/** The canvas on which the GPU draws the points of all panes. */

import { Camera as ThreeCamera, WebGLRenderer } from "three";
import type { Matrix } from "../state/camera";
import type { Rgb } from "../state/colours";
import { PointSet } from "./point_set";

/** A part of the canvas, in CSS pixels from its top left corner. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Cloud {
  canvas: HTMLCanvasElement;
  resize(width: number, height: number, ratio: number): void;
  /** Set the positions of a pane's points, and those they come from; known arrays are not uploaded again. */
  setPositions(pane: number, from: Float32Array, to: Float32Array): void;
  setLook(pane: number, look: Uint8Array): void;
  draw(panes: { box: Box; matrix: Matrix; weights: [number, number]; size: number }[], paper: Rgb): void;
  /** Wait until the GPU has drawn, for timing. */
  finish(): void;
  destroy(): void;
}

/** Make a cloud, or return null without WebGL2. `restored` is called when a lost context is back. */
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
  const pane = (index: number) => (panes[index] ??= new PointSet(shaped));
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
    setPositions: (index, from, to) => pane(index).setPositions(from, to),
    setLook: (index, look) => pane(index).setLook(look),
    draw(views, paper) {
      renderer.setScissorTest(false);
      context.clearColor(paper[0] / 255, paper[1] / 255, paper[2] / 255, 1);
      context.clear(context.COLOR_BUFFER_BIT | context.DEPTH_BUFFER_BIT);
      views.forEach(({ box, matrix, weights, size }, index) => {
        const { scene, uniforms } = pane(index);
        uniforms.view.value.fromArray(matrix);
        uniforms.weights.value.set(...weights);
        uniforms.size.value = size * renderer.getPixelRatio();
        uniforms.paper.value.set(paper[0] / 255, paper[1] / 255, paper[2] / 255);
        const bottom = height - box.top - box.height;
        renderer.setViewport(box.left, bottom, box.width, box.height);
        renderer.setScissor(box.left, bottom, box.width, box.height);
        renderer.setScissorTest(true);
        renderer.render(scene, camera);
      });
    },
    finish: () => context.readPixels(0, 0, 1, 1, context.RGBA, context.UNSIGNED_BYTE, new Uint8Array(4)),
    destroy() {
      canvas.removeEventListener("webglcontextlost", lost);
      canvas.removeEventListener("webglcontextrestored", restored);
      panes.forEach((pane) => pane.dispose());
      renderer.dispose();
      renderer.forceContextLoss();
    },
  };
}
