/** One image with what its regions say: outlines of knowledge points, importance, the region that is chosen. */

import { h } from "./dom";
import type { Frame } from "./frame";
import { outlinePath, outlines } from "./outlines";
import type { Cut, Pictures } from "./pictures";
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

export interface Picture {
  element: HTMLElement;
  show(content: PictureContent): void;
  /** Show no image: the element is then no picture of one. */
  clear(): void;
}

/** Line widths in pixels of the page; small pictures have thinner lines. */
const LINE = 2.2,
  SMALL = 80,
  THINNER = 0.64;
const COLOURS = {
  reliable: "#1b6fc4",
  unreliable: "#e76300",
  halo: "#fff",
  ring: "#111",
  lit: "rgb(255 213 0 / 0.55)",
  litEdge: "rgb(138 109 0 / 0.9)",
};

/** A canvas, without anything to press. Not drawn by the GPU: each such canvas would be a layer of its own on the page. */
export function makePicture(): Picture {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const context = canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  const element = h("div", { class: "picture" }, canvas);
  let last: PictureContent | null = null;
  const draw = (content: PictureContent, cut: Cut | null) => {
    const {
      size: [height, width],
    } = content;
    const ratio = window.devicePixelRatio || 1;
    // Setting a canvas's size empties it.
    [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    context.scale(canvas.width / width, canvas.height / height);
    if (cut) context.drawImage(cut.bitmap, cut.x, cut.y, cut.width, cut.height, 0, 0, width, height);
    element.classList.toggle("absent", !cut);
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
      const cut = content.pictures.cut(image);
      if (!(cut instanceof Promise)) return draw(content, cut);
      void cut
        .catch(() => null)
        .then((found) => {
          if (last === content) draw(content, found);
        });
    },
    clear() {
      last = null;
      delete element.dataset.image;
    },
  };
}

type Cell = [x: number, y: number, width: number, height: number];

/** What the regions say, over the picture: from the veil of importance up to the ring of the chosen one. */
function drawOver(context: CanvasRenderingContext2D, content: PictureContent): void {
  const {
    image,
    frame,
    lit,
    chosen,
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
  for (let region = 0; lit.size && region < rows * columns; region++)
    if (lit.has(image * rows * columns + region)) drawLit(context, cell(region));
  if (frame) drawPoints(context, frame, image, [across, down], line);
  if (chosen === null) return;
  const ring = new Path2D();
  ring.rect(...cell(chosen));
  stroke(context, ring, COLOURS.halo, line + 3.8);
  stroke(context, ring, COLOURS.ring, line);
}

/** A veil, thinner where a region is more important; whole pixels, so that no seam shows between two cells. */
function drawVeil(
  context: CanvasRenderingContext2D,
  { values, first }: Shade,
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

function drawLit(context: CanvasRenderingContext2D, box: Cell): void {
  context.fillStyle = COLOURS.lit;
  context.fillRect(...box);
  context.lineWidth = 1;
  context.strokeStyle = COLOURS.litEdge;
  context.strokeRect(...box);
}

/** Reliable points in solid lines, unreliable ones in dashed lines of another colour; white below both. */
function drawPoints(
  context: CanvasRenderingContext2D,
  { knowledge, regions, grid: [rows, columns] }: Frame,
  image: number,
  [across, down]: [number, number],
  line: number,
): void {
  for (const [kind, bits, dash] of [
    ["unreliable", 1, [5, 3]],
    ["reliable", 3, []],
  ] as const) {
    const lines = outlines(
      rows,
      columns,
      (row, column) => (knowledge[image * regions + row * columns + column] & 3) === bits,
    );
    const path = new Path2D(outlinePath(lines, across, down));
    stroke(context, path, COLOURS.halo, 2 * line);
    stroke(context, path, COLOURS[kind], line, dash);
  }
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

/** The region under a pointer over the picture. */
export function regionUnder(event: MouseEvent, element: Element, [rows, columns]: Grid): number {
  const box = element.getBoundingClientRect();
  const along = (place: number, size: number, count: number) =>
    Math.min(count - 1, Math.max(0, Math.floor((count * place) / size)));
  const row = along(event.clientY - box.top, box.height, rows);
  return row * columns + along(event.clientX - box.left, box.width, columns);
}
