/** The SVG over the points: the origin, arrows of mean directions, names, rings and paths. */

import { s } from "../dom";
import { css, shapePath, type Mark, type Rgb } from "../state/colours";
import { measureText, shorten } from "../text_width";
import type { Box } from "./cloud";
import type { ScreenPoint } from "./picking";
import { placeLabels } from "./text_placement";

export type Point = [number, number, number];

/**
 * A path of a point over steps, in all coordinates or in the three that are drawn, and its current step (-1 for none);
 * without a colour it is drawn in ink.
 */
export interface Path {
  places: Float32Array;
  now: number;
  colour: Rgb | null;
}

/** The overlay of one pane, in the units of the embedding. */
export interface Drawing {
  box: Box;
  project: (x: number, y: number, z: number) => ScreenPoint;
  names: string[];
  marks: Mark[];
  /** Where the arrows of the classes end. */
  tips: Point[];
  /** The class whose arrow is dragged, or null. */
  grabbed: number | null;
  /** Strength at the circle, or 0 for no circle. */
  circle: number;
  focus: Point | null;
  hover: Point | null;
  path: Path | null;
  /** Further paths, drawn thin. */
  threads: Path[];
  caption: string | null;
  /** Classes that always have their name. */
  emphasised: number[];
}

const FONT = '600 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
/** Largest width of a name in pixels; with many classes names are shorter, and only the front ones are written. */
const WIDEST = 132,
  WIDEST_OF_MANY = 96,
  MANY = 16,
  MOST_NAMES = 60;
const measure = measureText(FONT);

export function drawOverlay(svg: SVGSVGElement, drawings: Drawing[], polygon: [number, number][]): void {
  const lasso = polygon.length > 1 && s("path", { class: "lasso", d: `M${polygon.map(String).join("L")}Z` });
  svg.replaceChildren(...drawings.map(drawPane), ...(lasso ? [lasso] : []));
}

function drawPane(drawing: Drawing): SVGGElement {
  const { box, caption } = drawing;
  const group = s("g", {});
  group.append(...drawCircle(drawing), drawOrigin(drawing));
  for (const thread of drawing.threads) group.append(drawPath(drawing, thread, true));
  group.append(...drawArrows(drawing));
  if (drawing.path) group.append(drawPath(drawing, drawing.path, false));
  if (drawing.hover) group.append(ring(drawing, drawing.hover, "hover", 8));
  if (drawing.focus) group.append(ring(drawing, drawing.focus, "focus", 9));
  if (box.left > 0) group.append(s("path", { class: "divider", d: `M${box.left} 0v${box.height}` }));
  if (caption)
    group.append(
      s(
        "text",
        { class: "caption", x: box.left + box.width / 2, y: box.top + 22, "text-anchor": "middle" },
        caption,
      ),
    );
  return group;
}

function ring({ project }: Drawing, point: Point, kind: string, radius: number): SVGGElement {
  const [cx, cy] = project(...point);
  return s(
    "g",
    { class: `ring ${kind}` },
    s("circle", { class: "halo", cx, cy, r: radius }),
    s("circle", { cx, cy, r: radius }),
  );
}

function drawOrigin({ project }: Drawing): SVGPathElement {
  const [x, y] = project(0, 0, 0);
  return s("path", { class: "origin", d: `M${x - 6} ${y}h12M${x} ${y - 6}v12` });
}

/** The sphere of one strength, which appears as a circle around the origin. */
function drawCircle({ project, circle, box }: Drawing): SVGElement[] {
  if (!circle) return [];
  const [cx, cy] = project(0, 0, 0);
  const r = radiusOf(project, circle);
  if (r < 12 || r > 2 * Math.max(box.width, box.height)) return [];
  const sphere = ["sphere halo", "sphere"].map((kind) => s("circle", { class: kind, cx, cy, r }));
  if (box.left > 0) return sphere;
  return [...sphere, s("text", { class: "note", x: 10, y: box.height - 10 }, "dotted circle: mean strength")];
}

/** Radius of a sphere on the screen. */
function radiusOf(project: Drawing["project"], radius: number): number {
  const [ox, oy] = project(0, 0, 0);
  let square = 0;
  for (let axis = 0; axis < 3; axis++) {
    const end: Point = [0, 0, 0];
    end[axis] = radius * 1e-3;
    const [x, y] = project(...end);
    square += (x - ox) ** 2 + (y - oy) ** 2;
  }
  return 1e3 * Math.sqrt(square / 2);
}

function drawArrows(drawing: Drawing): SVGElement[] {
  const { project, names, marks, box } = drawing;
  const shaped = marks.length > 10;
  const many = marks.length > MANY;
  const origin = project(0, 0, 0);
  const tips = drawing.tips.map((tip) => project(...tip));
  const texts = names.map((name) => shorten(name, many ? WIDEST_OF_MANY : WIDEST, measure));
  const isBehind = (label: number) => tips[label][2] > origin[2] + 1e-6;
  const order = names.map((_, label) => label).sort((one, other) => tips[other][2] - tips[one][2]);
  const front = order.filter((label) => !many || !isBehind(label)).slice(-MOST_NAMES);
  const named = order.filter((label) => front.includes(label) || drawing.emphasised.includes(label));
  const labels = named.map((label) => ({
    x: tips[label][0],
    y: tips[label][1],
    width: measure(texts[label]) + 4,
    height: 15,
  }));
  const places = placeLabels(labels, [origin[0], origin[1]], box);
  const lines: SVGElement[] = [];
  const nameTexts: SVGElement[] = [];
  for (const label of order) {
    const [x, y] = tips[label];
    const behind = `${isBehind(label) ? " behind" : ""}${label === drawing.grabbed ? " grabbed" : ""}`;
    lines.push(arrowLine(origin, [x, y], marks[label], shaped, behind));
    const index = named.indexOf(label);
    if (index < 0) continue;
    const [tx, ty] = places[index];
    const moved = Math.hypot(tx - x, ty - y) > labels[index].width / 2 + 16;
    if (moved) lines.push(s("path", { class: "leader", d: `M${x} ${y}L${tx} ${ty}` }));
    nameTexts.push(
      s("text", { class: `name${behind}`, x: tx, y: ty + 4, "text-anchor": "middle" }, texts[label]),
    );
  }
  return [...lines, ...nameTexts];
}

function arrowLine(
  from: ScreenPoint,
  [x, y]: [number, number],
  mark: Mark,
  shaped: boolean,
  behind: string,
): SVGGElement {
  const length = Math.hypot(x - from[0], y - from[1]);
  const [dx, dy] = length > 0 ? [(x - from[0]) / length, (y - from[1]) / length] : [0, 0];
  const head = Math.min(9, length);
  const [bx, by] = [x - head * dx, y - head * dy];
  const line = `M${from[0]} ${from[1]}L${bx} ${by}`;
  const tip = `M${x} ${y}L${bx - 0.42 * head * dy} ${by + 0.42 * head * dx}L${bx + 0.42 * head * dy} ${by - 0.42 * head * dx}Z`;
  const group = s(
    "g",
    { class: `arrow${behind}` },
    s("path", { class: "halo", d: line }),
    s("path", { d: line, stroke: mark.colour, "stroke-width": 2, fill: "none" }),
  );
  group.append(
    shaped
      ? s("path", {
          class: "tip",
          d: shapePath(mark.shape, 6),
          fill: mark.colour,
          transform: `translate(${x} ${y})`,
        })
      : s("path", { d: tip, fill: mark.colour }),
  );
  return group;
}

function drawPath({ project }: Drawing, { places, now, colour }: Path, thin: boolean): SVGGElement {
  const steps = places.length / 3;
  const points = Array.from({ length: steps }, (_, step) =>
    project(places[3 * step], places[3 * step + 1], places[3 * step + 2]),
  );
  // A step that cannot be read leaves a gap.
  const isRead = (step: number) => step >= 0 && Number.isFinite(points[step][0]);
  const d = points
    .map(([x, y], step) => isRead(step) && `${isRead(step - 1) ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`)
    .filter(Boolean)
    .join("");
  if (thin) return s("g", {}, s("path", { class: "thread", d, stroke: colour && css(colour) }));
  const group = s("g", { class: "path" }, s("path", { class: "halo", d }), s("path", { class: "line", d }));
  points.forEach(
    ([cx, cy], step) => isRead(step) && group.append(s("circle", { cx, cy, r: step === now ? 4.5 : 2.6 })),
  );
  return group;
}
