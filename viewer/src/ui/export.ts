/** The picture of the space as a file. */

import { h } from "../dom";
import type { Stage } from "../space/stage";
import { css } from "../state/colours";

/** CSS properties that a file needs as attributes. */
const STYLE_PROPERTIES = [
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

/** Download bytes or text as a file. */
export function download(name: string, parts: BlobPart[], type: string): void {
  const address = URL.createObjectURL(new Blob(parts, { type }));
  const link = h("a", { href: address, download: name });
  link.click();
  // The browser reads the address after the click has returned.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** The space as SVG: the points as an image, everything else as shapes and text. */
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

/** The space as PNG, at the resolution of the screen. */
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
      (blob) => (blob ? resolve(blob) : reject(new Error("The browser could not make the picture."))),
      "image/png",
    ),
  );
}

/** Write the computed style of each element into its attributes: a file has no style sheet. */
function inlineStyle(from: Element, to: Element): void {
  const style = getComputedStyle(from);
  for (const name of STYLE_PROPERTIES)
    to.setAttribute(
      name === "font" ? "style" : name,
      name === "font" ? `font:${style.font}` : style.getPropertyValue(name),
    );
  for (let child = 0; child < from.children.length; child++)
    inlineStyle(from.children[child], to.children[child]);
}
