/** One image with what its regions say: outlines of knowledge points, importance, the region that is chosen. */

import { h, s } from "./dom";
import type { Frame } from "./frame";
import { outlinePath, outlines } from "./outlines";
import type { Pictures } from "./pictures";
import type { Grid } from "./format";

export interface Shade {
  values: Uint8Array;
  /** Index of the image's first region. */
  first: number;
}

export interface PictureContent {
  image: number;
  pictures: Pictures;
  /** Height and width of the picture on the page. */
  size: [number, number];
  grid: Grid;
  /** Nothing: the picture alone. */
  frame: Frame | null;
  /** The chosen region, regions that are lit, and how important each is. */
  chosen: number | null;
  lit: ReadonlySet<number>;
  importance: Shade | null;
}

/** The picture and a drawing over it, without anything to press. */
export function drawPicture(content: PictureContent): HTMLElement {
  const {
    image,
    pictures,
    size: [height, width],
    frame,
    grid,
  } = content;
  const canvas = h("canvas", { "aria-hidden": "true" });
  const overlay = s("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const element = h(
    "div",
    { class: "picture", "data-image": image, style: `width:${width}px;aspect-ratio:${width}/${height}` },
    canvas,
    overlay,
  );
  pictures.draw(canvas, image).then(
    (found) => element.classList.toggle("absent", !found),
    () => element.classList.add("absent"),
  );
  if (content.importance) overlay.append(...dimmed(content.importance, grid, width, height));
  overlay.append(...litCells(content, width, height));
  if (frame) overlay.append(...pointOutlines(frame, image, width, height));
  if (content.chosen !== null) overlay.append(...cellRing(content.chosen, grid, width, height));
  return element;
}

/** The region under a pointer over the picture. */
export function regionUnder(event: MouseEvent, element: Element, [rows, columns]: Grid): number {
  const box = element.getBoundingClientRect();
  const along = (place: number, size: number, count: number) =>
    Math.min(count - 1, Math.max(0, Math.floor((count * place) / size)));
  const row = along(event.clientY - box.top, box.height, rows);
  return row * columns + along(event.clientX - box.left, box.width, columns);
}

function cells([rows, columns]: Grid, width: number, height: number) {
  const [across, down] = [width / columns, height / rows];
  return (region: number) => ({
    x: (region % columns) * across,
    y: Math.floor(region / columns) * down,
    width: across,
    height: down,
  });
}

/** A veil, thinner where a region is more important. */
function dimmed({ values, first }: Shade, grid: Grid, width: number, height: number): SVGElement[] {
  const regions = grid[0] * grid[1];
  const own = values.subarray(first, first + regions);
  const most = Math.max(1, ...own);
  const cell = cells(grid, width, height);
  return Array.from(own, (value, region) =>
    s("rect", { ...cell(region), class: "veil", opacity: (0.82 * (1 - value / most)).toFixed(2) }),
  );
}

function litCells({ lit, image, grid }: PictureContent, width: number, height: number): SVGElement[] {
  const regions = grid[0] * grid[1];
  const cell = cells(grid, width, height);
  const own = Array.from({ length: regions }, (_, region) => region).filter((region) =>
    lit.has(image * regions + region),
  );
  return own.map((region) => s("rect", { ...cell(region), class: "lit" }));
}

/** Reliable points in solid lines, unreliable ones in dashed lines of another colour; white below both. */
function pointOutlines(
  { knowledge, regions, grid }: Frame,
  image: number,
  width: number,
  height: number,
): SVGElement[] {
  const [rows, columns] = grid;
  return (["unreliable", "reliable"] as const).flatMap((kind) => {
    const wanted = kind === "reliable" ? 3 : 1;
    const lines = outlines(
      rows,
      columns,
      (row, column) => (knowledge[image * regions + row * columns + column] & 3) === wanted,
    );
    if (!lines.length) return [];
    const d = outlinePath(lines, width / columns, height / rows);
    return [s("path", { class: "outline halo", d }), s("path", { class: `outline ${kind}`, d })];
  });
}

function cellRing(region: number, grid: Grid, width: number, height: number): SVGElement[] {
  const box = cells(grid, width, height)(region);
  return [s("rect", { ...box, class: "chosen halo" }), s("rect", { ...box, class: "chosen" })];
}
