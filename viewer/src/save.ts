/** The picture and the table as files. */

import { css } from "./colours";
import { h } from "./dom";
import type { Stage } from "./stage";

const KEPT = [
  "fill",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linejoin",
  "opacity",
  "font",
  "paint-order",
  "fill-opacity",
  "stroke-opacity",
];

/** Offer bytes or text as a file. */
export function download(name: string, parts: BlobPart[], type: string): void {
  const address = URL.createObjectURL(new Blob(parts, { type }));
  const link = h("a", { href: address, download: name });
  link.click();
  // The browser reads the address after the click has returned.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** The space as SVG: the points as a picture in it, everything else as shapes and text. */
export function pictureSvg(stage: Stage): string {
  const { cloud, overlay, paper, width, height } = stage.picture();
  const copy = overlay.cloneNode(true) as SVGSVGElement;
  inlineStyle(overlay, copy);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  const points = cloud
    ? `<image href="${cloud.toDataURL("image/png")}" width="${width}" height="${height}"/>`
    : `<rect width="${width}" height="${height}" fill="${css(paper)}"/>`;
  return new XMLSerializer().serializeToString(copy).replace(/^(<svg[^>]*>)/, `$1${points}`);
}

/** The same as PNG, as many pixels as the screen has. */
export async function picturePng(stage: Stage): Promise<Blob> {
  const { cloud, width, height } = stage.picture();
  const svg = pictureSvg(stage);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const ratio = cloud ? cloud.width / width : 1;
  const canvas = h("canvas", { width: Math.round(width * ratio), height: Math.round(height * ratio) });
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("The browser made no picture."))),
      "image/png",
    ),
  );
}

/** A file knows nothing of the page's style: what it says of each element is written into the element. */
function inlineStyle(from: Element, to: Element): void {
  const style = getComputedStyle(from);
  for (const name of KEPT)
    to.setAttribute(
      name === "font" ? "style" : name,
      name === "font" ? `font:${style.font}` : style.getPropertyValue(name),
    );
  for (let each = 0; each < from.children.length; each++) inlineStyle(from.children[each], to.children[each]);
}
