/** Contours of the density of points on the screen, which do not depend on what is drawn over what. */

import { contourDensity, type ContourMultiPolygon } from "d3-contour";
import { s } from "../dom";
import { css, MUTED, type Rgb } from "../state/colours";
import type { Box } from "./cloud";
import { STATE } from "./paint";
import { forEachPoint, type Scene } from "./picking";

/** Shares of a colour's largest density: within the outer line lie most of its points, within the inner its core. */
const LEVELS = [0.15, 0.5];
/** Standard deviation of the kernel in pixels, and the fewest points of a colour that have a density. */
const BANDWIDTH = 11;
const FEWEST = 40;
/** With more colours than these the colours are a scale, and all points have one density. */
const MOST_COLOURS = 24;

type Place = [x: number, y: number];

/** The contours of each colour among the points that are neither hidden nor faint. */
export function drawDensity(scene: Scene): SVGGElement {
  const group = s("g", { class: "density" });
  for (const [rgb, places] of placesByColour(scene)) {
    if (places.length < FEWEST) continue;
    const density = densityOf(places, scene.box);
    for (const [index, level] of LEVELS.entries()) {
      const d = outline(density(level * density.max), scene.box.left);
      group.append(
        s("path", { class: "contour-halo", d }),
        s("path", { class: "contour", d, stroke: css(rgb), "stroke-width": 1.2 + 0.8 * index }),
      );
    }
  }
  return group;
}

/** Contours at a density, in pixels from the left of the box, and the largest density. */
type Density = ((value: number) => ContourMultiPolygon) & { max: number };

function densityOf(places: Place[], { left, width, height }: Box): Density {
  const estimate = contourDensity<Place>()
    .x(([x]) => x - left)
    .y(([, y]) => y)
    .size([width, height])
    .bandwidth(BANDWIDTH);
  // The types of the package lack this method.
  return (estimate as unknown as { contours(places: Place[]): Density }).contours(places);
}

function placesByColour(scene: Scene): [Rgb, Place[]][] {
  const { look } = scene;
  const groups = new Map<number, [Rgb, Place[]]>();
  forEachPoint(scene, (id, x, y) => {
    const at = 4 * id;
    if (((look[at + 3] >> 3) & 3) === STATE.faint) return;
    const key = (look[at] << 16) | (look[at + 1] << 8) | look[at + 2];
    const known = groups.get(key);
    if (known) known[1].push([x, y]);
    else groups.set(key, [[look[at], look[at + 1], look[at + 2]], [[x, y]]]);
  });
  const all = [...groups.values()];
  return all.length > MOST_COLOURS ? [[MUTED, all.flatMap(([, places]) => places)]] : all;
}

/** Rings of polygons as the text of a path. */
function outline({ coordinates }: ContourMultiPolygon, left: number): string {
  const ring = (places: number[][]) =>
    `M${places.map(([x, y]) => `${(x + left).toFixed(1)},${y.toFixed(1)}`).join("L")}Z`;
  return coordinates.flat().map(ring).join("");
}
