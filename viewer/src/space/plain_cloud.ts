/** The cloud without a GPU: a plain canvas whose pixels are computed. */

import type { Cloud } from "./cloud";
import { clearRaster, drawPoints, makeRaster, type Raster, type RasterPoints } from "./raster";

export function makePlainCloud(): Cloud {
  const canvas = document.createElement("canvas");
  // Kept in memory: its pixels come from there.
  const context = canvas.getContext("2d", {
    alpha: false,
    willReadFrequently: true,
  }) as CanvasRenderingContext2D;
  const panes: RasterPoints[] = [];
  const pane = (index: number) => (panes[index] ??= { from: NONE, to: NONE, look: new Uint8Array() });
  let image: ImageData | null = null;
  let raster: Raster | null = null;
  let scale = 1;
  return {
    canvas,
    resize(width, height, ratio) {
      scale = ratio;
      [canvas.width, canvas.height] = [width, height].map((side) => Math.max(1, Math.floor(ratio * side)));
      image = context.createImageData(canvas.width, canvas.height);
      raster = makeRaster(canvas.width, canvas.height, new Uint32Array(image.data.buffer));
    },
    setPositions: (index, from, to) => void Object.assign(pane(index), { from, to }),
    setLook: (index, look) => void (pane(index).look = look),
    draw(views, paper) {
      if (!raster || !image) return;
      clearRaster(raster, paper);
      for (const [index, view] of views.entries()) drawPoints(raster, pane(index), view, paper, scale);
      context.putImageData(image, 0, 0);
    },
    finish: () => undefined,
    destroy: () => void ([canvas.width, canvas.height] = [0, 0]),
  };
}

const NONE = new Float32Array();
