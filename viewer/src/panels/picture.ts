/** One image with its regions: outlines of knowledge points, importance, the selected region. */

import type { Grid } from "../data/format";
import type { Frame } from "../data/frame";
import type { Thumbnail, Thumbnails } from "../data/thumbnails";
import { h } from "../dom";
import { evidenceColour } from "../state/colours";
import { outlinePath, outlines } from "./outlines";

/** Importance of the regions of all images. */
export interface Importance {
  values: Uint8Array;
  /** Index of the image's first region. */
  first: number;
}

/** Evidence of the regions of all images, and the bits of a region that is always correct. */
export interface Heat {
  values: Int16Array;
  scale: number;
  most: number;
}

/** The drawn parts of a frame. */
export type PicturedFrame = Pick<Frame, "knowledge" | "stability" | "regions" | "grid">;

export interface PictureContent {
  image: number;
  thumbnails: Thumbnails;
  /** Height and width of the picture on the page. */
  size: [number, number];
  grid: Grid;
  /** Null for the image alone. */
  frame: PicturedFrame | null;
  heat?: Heat | null;
  /** The selected region, ids of highlighted regions, and importance as a veil. */
  selected: number | null;
  highlighted: ReadonlySet<number>;
  importance: Importance | null;
}

export interface Picture {
  element: HTMLElement;
  show(content: PictureContent): void;
  /** Show no image. */
  clear(): void;
}

/** Line widths in pixels; small pictures have thinner lines. */
const LINE = 2.2,
  SMALL = 80,
  THINNER = 0.64;
const COLOURS = {
  points: "#20262c",
  halo: "#fff",
  ring: "#111",
  highlight: "rgb(255 213 0 / 0.55)",
  highlightEdge: "rgb(138 109 0 / 0.9)",
};

/** A canvas, not drawn by the GPU, which would make a layer of the page of each. */
export function makePicture(): Picture {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const context = canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  const element = h("div", { class: "picture" }, canvas);
  let last: PictureContent | null = null;
  const draw = (content: PictureContent, thumbnail: Thumbnail | null) => {
    const {
      size: [height, width],
    } = content;
    const ratio = window.devicePixelRatio || 1;
    // Setting the size of a canvas clears it.
    [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    context.scale(canvas.width / width, canvas.height / height);
    if (thumbnail) {
      context.drawImage(thumbnail.bitmap, 0, 0, width, height);
    }
    element.classList.toggle("absent", !thumbnail);
    drawOver(context, content);
  };
  return {
    element,
    show(content) {
      const {
        image,
        size: [height, width],
      } = content;
      last = content;
      element.dataset.image = String(image);
      element.style.cssText = `width:${width}px;aspect-ratio:${width}/${height}`;
      const thumbnail = content.thumbnails.get(image);
      if (!(thumbnail instanceof Promise)) return draw(content, thumbnail);
      void thumbnail
        .catch(() => null)
        .then((read) => {
          if (last === content) draw(content, read);
        });
    },
    clear() {
      last = null;
      delete element.dataset.image;
    },
  };
}

type Cell = [x: number, y: number, width: number, height: number];

/** Draw the regions over the image: importance, highlights, outlines, and the ring of the selected region. */
function drawOver(context: CanvasRenderingContext2D, content: PictureContent): void {
  const {
    image,
    frame,
    highlighted,
    selected,
    grid: [rows, columns],
    size: [height, width],
  } = content;
  const [across, down] = [width / columns, height / rows];
  const cell = (region: number): Cell => [
    (region % columns) * across,
    Math.floor(region / columns) * down,
    across,
    down,
  ];
  const line = LINE * (width < SMALL ? THINNER : 1);
  if (content.importance) drawVeil(context, content.importance, rows * columns, cell);
  if (content.heat) drawHeat(context, content.heat, image, rows * columns, cell);
  for (let region = 0; highlighted.size && region < rows * columns; region++)
    if (highlighted.has(image * rows * columns + region)) drawHighlight(context, cell(region));
  if (frame) drawPoints(context, frame, image, [across, down], line);
  if (selected === null) return;
  const ring = new Path2D();
  ring.rect(...cell(selected));
  stroke(context, ring, COLOURS.halo, line + 3.8);
  stroke(context, ring, COLOURS.ring, line);
}

/** A veil, thinner over more important regions; whole pixels leave no seam between cells. */
function drawVeil(
  context: CanvasRenderingContext2D,
  { values, first }: Importance,
  regions: number,
  cell: (region: number) => Cell,
): void {
  const own = values.subarray(first, first + regions);
  const most = Math.max(1, ...own);
  own.forEach((value, region) => {
    const [x, y, width, height] = cell(region);
    const [left, top] = [Math.round(x), Math.round(y)];
    context.fillStyle = `rgb(0 0 0 / ${(0.75 * (1 - value / most)).toFixed(2)})`;
    context.fillRect(left, top, Math.round(x + width) - left, Math.round(y + height) - top);
  });
}

/** Share of the colour of evidence that covers the image where the evidence is most. */
const HEAT = 0.6;

/** Evidence as a colour over each region, stronger for more of it. */
function drawHeat(
  context: CanvasRenderingContext2D,
  { values, scale, most }: Heat,
  image: number,
  regions: number,
  cell: (region: number) => Cell,
): void {
  for (let region = 0; region < regions; region++) {
    const share = Math.max(-1, Math.min(1, (scale * values[image * regions + region]) / most));
    const [red, green, blue] = evidenceColour(Math.sign(share));
    context.fillStyle = `rgb(${red} ${green} ${blue} / ${(HEAT * Math.abs(share)).toFixed(2)})`;
    context.fillRect(...cell(region));
  }
}

function drawHighlight(context: CanvasRenderingContext2D, box: Cell): void {
  context.fillStyle = COLOURS.highlight;
  context.fillRect(...box);
  context.lineWidth = 1;
  context.strokeStyle = COLOURS.highlightEdge;
  context.strokeRect(...box);
}

/** Thinnest line of a point, as a share of the line of one that is a point in all refits. */
const THINNEST = 0.3;

/**
 * Reliable points in solid lines, unreliable ones in dashed lines, both in dark ink over white; thinner the fewer
 * refits agree.
 */
function drawPoints(
  context: CanvasRenderingContext2D,
  { knowledge, stability, regions, grid: [rows, columns] }: PicturedFrame,
  image: number,
  [across, down]: [number, number],
  line: number,
): void {
  const first = image * regions;
  const own = stability?.values.subarray(first, first + regions);
  const levels = own ? [...new Set(own)] : [null];
  for (const [bits, dash] of [
    [1, [5, 3]],
    [3, []],
  ] as const) {
    const lines = outlines(
      rows,
      columns,
      (row, column) => (knowledge[image * regions + row * columns + column] & 3) === bits,
    );
    const path = new Path2D(outlinePath(lines, across, down));
    stroke(context, path, COLOURS.halo, 2 * line);
    for (const level of levels) {
      context.save();
      if (level !== null) clipTo(context, own as Uint8Array, level, columns, [across, down]);
      const share = level === null ? 1 : level / (stability as { refits: number }).refits;
      stroke(context, path, COLOURS.points, line * (THINNEST + (1 - THINNEST) * share), dash);
      context.restore();
    }
  }
}

/** Draw only in the regions of one level: an outline around several has the weight of the adjacent one. */
function clipTo(
  context: CanvasRenderingContext2D,
  levels: Uint8Array,
  level: number,
  columns: number,
  [across, down]: [number, number],
): void {
  const cells = new Path2D();
  levels.forEach((own, region) => {
    if (own === level)
      cells.rect((region % columns) * across, Math.floor(region / columns) * down, across, down);
  });
  context.clip(cells);
}

function stroke(
  context: CanvasRenderingContext2D,
  path: Path2D,
  colour: string,
  width: number,
  dash: readonly number[] = [],
): void {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash([...dash]);
  context.stroke(path);
  context.setLineDash([]);
}

/** The region under the pointer. */
export function regionUnder(event: MouseEvent, element: Element, [rows, columns]: Grid): number {
  const box = element.getBoundingClientRect();
  const cell = (place: number, size: number, count: number) =>
    Math.min(count - 1, Math.max(0, Math.floor((count * place) / size)));
  const row = cell(event.clientY - box.top, box.height, rows);
  return row * columns + cell(event.clientX - box.left, box.width, columns);
}
