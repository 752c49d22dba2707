/** The points, drawn by the GPU: two positions a point and a morph between them. */

import {
  type BufferAttribute,
  BufferGeometry,
  Camera as ThreeCamera,
  GLSL3,
  Int16BufferAttribute,
  Matrix4,
  Points,
  RawShaderMaterial,
  Scene,
  Uint8BufferAttribute,
  Vector2,
  Vector3,
  WebGLRenderer,
} from "three";
import type { Matrix } from "./camera";
import type { Rgb } from "./colours";

/** Positions of points as integers, three a point, times scale. */
export interface Placed {
  drawn: Int16Array;
  scale: number;
}

/** A part of the canvas, in CSS pixels from its top left. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

const VERTEX = `
precision highp float;
in vec3 from;
in vec3 to;
in vec4 look;
uniform mat4 view;
uniform vec2 weights;
uniform float size;
out vec3 colour;
flat out float shape;
out float depth;
void main() {
  float state = floor(look.w / 8.0);
  shape = look.w - 8.0 * state;
  vec4 place = view * vec4(from * weights.x + to * weights.y, 1.0);
  place.z -= (state - 2.0) * 0.002 * place.w;
  gl_Position = state < 0.5 ? vec4(2.0, 2.0, 2.0, 1.0) : place;
  gl_PointSize = size * (state < 1.5 ? 0.62 : state > 2.5 ? 1.5 : 1.0) * (shape > 0.5 ? 1.25 : 1.0) / place.w;
  depth = clamp((place.w - 1.0) * 3.0 + 0.5, 0.0, 1.0) * 0.42 + (state < 1.5 ? 0.42 : 0.0);
  colour = look.xyz / 255.0;
}`;

const FRAGMENT = `
precision highp float;
in vec3 colour;
flat in float shape;
in float depth;
uniform vec3 paper;
out vec4 shade;
float away(vec2 p) {
  vec2 a = abs(p);
  if (shape < 0.5) return length(p);
  if (shape < 1.5) return max(a.x * 1.15 + p.y * 0.62, -p.y * 1.25) + 0.12;
  if (shape < 2.5) return max(a.x, a.y) * 1.15;
  if (shape < 3.5) return (a.x + a.y) * 0.95;
  if (shape < 4.5) return max(a.x * 1.15 - p.y * 0.62, p.y * 1.25) + 0.12;
  if (shape < 5.5) return max(max(a.x, a.y), min(a.x, a.y) * 2.6);
  if (shape < 6.5) { vec2 d = abs(vec2(p.x + p.y, p.x - p.y)) * 0.7071; return max(max(d.x, d.y), min(d.x, d.y) * 2.6); }
  float turn = atan(p.x, -p.y);
  return length(p) / (0.62 + 0.38 * cos(5.0 * turn));
}
void main() {
  float reach = away(gl_PointCoord * 2.0 - 1.0);
  if (reach > 1.0) discard;
  shade = vec4(mix(colour, paper, max(depth, 0.75 * smoothstep(0.72, 0.95, reach))), 1.0);
}`;

/** One set of points with a place of its own on the canvas. */
class Pane {
  readonly scene = new Scene();
  private readonly geometry = new BufferGeometry();
  readonly uniforms = {
    view: { value: new Matrix4() },
    weights: { value: new Vector2(1, 0) },
    size: { value: 4 },
    paper: { value: new Vector3(1, 1, 1) },
  };
  private readonly material = new RawShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    uniforms: this.uniforms,
    glslVersion: GLSL3,
  });

  constructor() {
    const points = new Points(this.geometry, this.material);
    points.frustumCulled = false;
    points.matrixAutoUpdate = false;
    this.scene.add(points);
  }

  private readonly held: Record<string, ArrayLike<number>> = {};

  place(from: Placed, to: Placed): void {
    this.put("from", from.drawn, (values) => new Int16BufferAttribute(values, 3));
    this.put("to", to.drawn, (values) => new Int16BufferAttribute(values, 3));
    this.geometry.setDrawRange(0, to.drawn.length / 3);
  }

  paint(look: Uint8Array): void {
    this.put("look", look, (values) => new Uint8BufferAttribute(values, 4));
  }

  /** Values of the same length go into the buffer that is there, so that the GPU's memory does not grow. */
  private put<T extends Int16Array | Uint8Array>(
    name: string,
    values: T,
    make: (values: T) => BufferAttribute,
  ): void {
    if (this.held[name] === values) return;
    this.held[name] = values;
    const before = this.geometry.getAttribute(name) as BufferAttribute | undefined;
    if (before?.array.length === values.length) {
      (before.array as T).set(values);
      before.needsUpdate = true;
    } else {
      if (before) this.geometry.dispose();
      // A copy: the buffer is written over at the next step, the values belong to the cache of what was read.
      this.geometry.setAttribute(name, make(values.slice() as T));
    }
  }

  dispose(): void {
    this.geometry.dispose();
    this.material.dispose();
  }
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
export function makeCloud(lost: () => void, restored: () => void): Cloud | null {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("webgl2", {
    alpha: false,
    antialias: false,
  });
  if (!context) return null;
  const renderer = new WebGLRenderer({ canvas, context, antialias: false });
  renderer.autoClear = false;
  const camera = new ThreeCamera();
  const panes: Pane[] = [];
  const pane = (place: number) => (panes[place] ??= new Pane());
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
