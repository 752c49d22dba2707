/** The canvas on which the points of all panes are drawn: by the GPU, or in software without one. */

import type { Matrix } from "../state/camera";
import type { Rgb } from "../state/colours";

/** A part of the canvas, in CSS pixels from its top left corner. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The view of a pane: its box and camera, the factors of both positions, and the diameter of a point. */
export interface PaneView {
  box: Box;
  matrix: Matrix;
  weights: [number, number];
  size: number;
}

export interface Cloud {
  canvas: HTMLCanvasElement;
  resize(width: number, height: number, ratio: number): void;
  /** Set the positions of a pane's points, and those they come from; known arrays are not uploaded again. */
  setPositions(pane: number, from: Float32Array, to: Float32Array): void;
  setLook(pane: number, look: Uint8Array): void;
  draw(panes: PaneView[], paper: Rgb): void;
  /** Wait until everything is drawn, for timing. */
  finish(): void;
  destroy(): void;
}
