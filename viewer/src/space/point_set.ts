/** One set of points on the GPU: two positions per point, a morph between them, and the look of each point. */

import {
  BufferAttribute,
  BufferGeometry,
  GLSL3,
  Matrix4,
  Points,
  RawShaderMaterial,
  Scene,
  Vector2,
  Vector3,
} from "three";

/**
 * Emphasised and more confident points are in front, independently of the drawing order; depth, of which `place.z`
 * has at most 0.05, decides among equally confident ones. The look is flat: in software rendering, interpolating it
 * would cost as much as the point.
 */
const VERTEX = `
precision highp float;
in vec3 from;
in vec3 to;
in vec4 look;
uniform mat4 view;
uniform vec2 weights;
uniform float size;
uniform vec3 paper;
uniform vec3 ink;
flat out vec4 mark;
void main() {
  float sureness = floor(look.w / 32.0);
  float state = floor(look.w / 8.0) - 4.0 * sureness;
  float shape = look.w - 32.0 * sureness - 8.0 * state;
  vec4 place = view * vec4(from * weights.x + to * weights.y, 1.0);
  place.z -= ((state - 2.0) * 0.5 + (sureness - 3.5) * 0.06) * place.w;
  gl_Position = state < 0.5 ? vec4(2.0, 2.0, 2.0, 1.0) : place;
  gl_PointSize = size * (state < 1.5 ? 0.62 : state > 2.5 ? 1.5 : 1.0) * (shape > 0.5 ? 1.25 : 1.0) / place.w;
  float depth = clamp((place.w - 1.0) * 3.0 + 0.5, 0.0, 1.0) * 0.42 + (state < 1.5 ? 0.42 : 0.0);
  vec3 own = look.xyz == vec3(0.0) ? ink : look.xyz / 255.0;
  mark = vec4(mix(own, paper, depth), shape);
}`;

/** `away` is the squared distance, 1 at the edge; a rim in the background colour separates points. */
const FRAGMENT = `
precision highp float;
flat in vec4 mark;
uniform vec3 paper;
out vec4 shade;
#ifdef SHAPED
float away(vec2 p) {
  float shape = mark.w;
  vec2 a = abs(p);
  vec2 d = abs(vec2(p.x + p.y, p.x - p.y)) * 0.7071;
  float far;
  if (shape < 0.5) far = length(p);
  else if (shape < 1.5) far = max(a.x * 1.15 + p.y * 0.62, -p.y * 1.25) + 0.12;
  else if (shape < 2.5) far = max(a.x, a.y) * 1.15;
  else if (shape < 3.5) far = (a.x + a.y) * 0.95;
  else if (shape < 4.5) far = max(a.x * 1.15 - p.y * 0.62, p.y * 1.25) + 0.12;
  else if (shape < 5.5) far = max(max(a.x, a.y), min(a.x, a.y) * 2.6);
  else if (shape < 6.5) far = max(max(d.x, d.y), min(d.x, d.y) * 2.6);
  else far = length(p) / (0.62 + 0.38 * cos(5.0 * atan(p.x, -p.y)));
  return far * far;
}
#else
float away(vec2 p) { return dot(p, p); }
#endif
void main() {
  float reach = away(gl_PointCoord * 2.0 - 1.0);
  if (reach > 1.0) discard;
  shade = vec4(mix(mark.xyz, paper, clamp((reach - 0.52) * 1.95, 0.0, 0.75)), 1.0);
}`;

/** Positions on the GPU, uploaded when they are other ones. */
class PositionBuffer {
  readonly attribute: BufferAttribute;

  constructor(values: Float32Array) {
    this.attribute = new BufferAttribute(values, 3);
  }

  holds(values: Float32Array): boolean {
    return this.attribute.array === values;
  }

  fill(values: Float32Array): void {
    Object.assign(this.attribute, { array: values, needsUpdate: true });
  }
}

export class PointSet {
  readonly scene = new Scene();
  readonly uniforms = {
    view: { value: new Matrix4() },
    weights: { value: new Vector2(1, 0) },
    size: { value: 4 },
    paper: { value: new Vector3(1, 1, 1) },
    ink: { value: new Vector3(0, 0, 0) },
  };
  private readonly geometry = new BufferGeometry();
  private readonly material: RawShaderMaterial;
  private buffers: [PositionBuffer, PositionBuffer] | null = null;
  private look: Uint8Array | null = null;

  /** `shaped`: whether to begin with points of other shapes than circles. */
  constructor(shaped: boolean) {
    this.material = new RawShaderMaterial({
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      uniforms: this.uniforms,
      glslVersion: GLSL3,
      defines: shaped ? { SHAPED: 1 } : {},
    });
    const points = new Points(this.geometry, this.material);
    points.frustumCulled = false;
    points.matrixAutoUpdate = false;
    this.scene.add(points);
  }

  /** Two buffers swap roles, so that a change of step uploads only the new positions. */
  setPositions(from: Float32Array, to: Float32Array): void {
    const count = to.length / 3;
    if (this.buffers?.[0].attribute.count !== count) this.allocate(to);
    const [one, other] = this.buffers as [PositionBuffer, PositionBuffer];
    const end = other.holds(to) || one.holds(from) ? other : one;
    const start = end === one ? other : one;
    if (!end.holds(to)) end.fill(to);
    if (from !== to && !start.holds(from)) start.fill(from);
    this.geometry.setAttribute("from", from === to ? end.attribute : start.attribute);
    this.geometry.setAttribute("to", end.attribute);
    this.geometry.setDrawRange(0, count);
  }

  setLook(look: Uint8Array): void {
    if (this.look === look) return;
    this.look = look;
    this.drawShapes(look);
    const attribute = this.geometry.getAttribute("look");
    if (attribute?.array.length === look.length) {
      Object.assign(attribute, { array: look, needsUpdate: true });
    } else {
      if (attribute) this.geometry.dispose();
      this.geometry.setAttribute("look", new BufferAttribute(look, 4));
    }
  }

  dispose(): void {
    this.geometry.dispose();
    this.material.dispose();
  }

  /** Shapes other than circles double the cost of software rendering: they are drawn where a look has them. */
  private drawShapes(look: Uint8Array): void {
    let shaped = false;
    for (let at = 3; at < look.length && !shaped; at += 4) shaped = (look[at] & 7) > 0;
    if (shaped === "SHAPED" in this.material.defines) return;
    this.material.defines = shaped ? { SHAPED: 1 } : {};
    this.material.needsUpdate = true;
  }

  private allocate(values: Float32Array): void {
    this.geometry.dispose();
    this.buffers = [new PositionBuffer(values), new PositionBuffer(values.slice())];
  }
}
