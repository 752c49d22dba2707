/** The canvas on which the GPU draws the points of all panes. */

import { Camera as ThreeCamera, WebGLRenderer } from "three";
import { inkOn } from "../state/colours";
import type { Cloud } from "./cloud";
import { PointSet } from "./point_set";

/** Renderers of WebGL that have no GPU behind them. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/**
 * Create a cloud; null without WebGL2, or if it is emulated in software, which draws points as triangles: with 98,000
 * points `plain_cloud` takes a fifth of that time.
 */
export function makeGpuCloud(shaped: boolean, lost: () => void, restored: () => void): Cloud | null {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("webgl2", {
    alpha: false,
    antialias: false,
  });
  if (!context) return null;
  if (SOFTWARE.test(rendererOf(context))) {
    context.getExtension("WEBGL_lose_context")?.loseContext();
    return null;
  }
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
      const ink = inkOn(paper);
      renderer.setScissorTest(false);
      context.clearColor(paper[0] / 255, paper[1] / 255, paper[2] / 255, 1);
      context.clear(context.COLOR_BUFFER_BIT | context.DEPTH_BUFFER_BIT);
      views.forEach(({ box, matrix, weights, size }, index) => {
        const { scene, uniforms } = pane(index);
        uniforms.view.value.fromArray(matrix);
        uniforms.weights.value.set(...weights);
        uniforms.size.value = size * renderer.getPixelRatio();
        uniforms.paper.value.set(paper[0] / 255, paper[1] / 255, paper[2] / 255);
        uniforms.ink.value.set(ink[0] / 255, ink[1] / 255, ink[2] / 255);
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

function rendererOf(context: WebGL2RenderingContext): string {
  const names = context.getExtension("WEBGL_debug_renderer_info");
  return String(context.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : context.RENDERER));
}
