/** An arrow that is dragged, and the projection that follows it. */

import { dragDirection, type Axes } from "../data/linear_view";
import { placeOnScreen, viewRows, type Matrix } from "../state/camera";
import type { Box } from "./cloud";
import { tipOf } from "./motion";
import { project } from "./picking";
import type { Seen } from "./seen";

/** Pixels around the tip of an arrow in which it is grabbed. */
const GRAB_RADIUS = 11;

/** The class whose tip is nearest to a place; null for none. */
export function arrowAt(
  seen: Seen,
  pane: number,
  box: Box,
  matrix: Matrix,
  [x, y]: [number, number],
): number | null {
  const motion = seen.motions[pane];
  const [ox, oy] = project(matrix, box, 0, 0, 0);
  let nearest: number | null = null;
  let least = GRAB_RADIUS;
  for (let label = 0; label < motion.to.tips.length / 3; label++) {
    const [tx, ty] = project(matrix, box, ...tipOf(motion, label));
    const away = Math.hypot(tx - x, ty - y);
    // Arrows that are too short to be visible cannot be grabbed.
    if (away < least && Math.hypot(tx - ox, ty - oy) > GRAB_RADIUS) [nearest, least] = [label, away];
  }
  return nearest;
}

/** The axes along which an arrow, a vector in all dimensions, ends at a place of the screen. */
export function draggedAxes(
  seen: Seen,
  pane: number,
  box: Box,
  arrow: number[],
  [x, y]: [number, number],
): Axes {
  const axes = seen.axes[pane];
  const rows = viewRows(seen.camera);
  const tip = axes.map((axis) => axis.reduce((sum, part, k) => sum + part * arrow[k], 0));
  const depth = rows[2].reduce((sum, part, axis) => sum + part * tip[axis], 0);
  const onScreen: [number, number] = [
    (2 * (x - box.left)) / box.width - 1,
    1 - (2 * (y - box.top)) / box.height,
  ];
  const [right, up] = placeOnScreen(seen.camera, box.width / box.height, seen.reach, onScreen, depth);
  const length = Math.hypot(...arrow);
  const across = Math.hypot(right, up);
  // An arrow cannot exceed its length; the part outside the plane of the screen points towards the viewer.
  const share = Math.min(1, (0.999 * length) / Math.max(across, 1e-9));
  const left = Math.sqrt(Math.max(0, length ** 2 - (share * across) ** 2));
  const place = [share * right, share * up, Math.sign(depth || 1) * Math.min(Math.abs(depth), left)];
  const along = [0, 1, 2].map((axis) => rows.reduce((sum, row, k) => sum + place[k] * row[axis], 0));
  return dragDirection(axes, arrow, along);
}
