/** The pictures of an attack at its steps, and its changes. */

import type { Atlas } from "./atlas";
import { openThumbnails, recentThumbnails, type Thumbnail, type Thumbnails } from "./thumbnails";

/** The changes by an attack: differences around middle grey, times the factor. */
export interface Changes {
  images: Thumbnails;
  factor: number;
}

/** The pictures at one step. */
export interface StepImages {
  /** The attacked images; null if they are not kept. */
  images: Thumbnails | null;
  /** The changes so far; null for none, and if they are not kept. */
  changes: Changes | null;
}

export interface AttackImages {
  at(step: number): StepImages;
  /** The changes at the last step; null in earlier atlases. */
  last: Changes | null;
}

const GREY = 128;

/** A reader that opens the pictures of each condition once; null if it has none. */
export function makeAttackImages(
  atlas: Atlas,
  clean: Thumbnails,
): (condition: string) => Promise<AttackImages | null> {
  const opened = new Map<string, Promise<AttackImages | null>>();
  return (condition) => {
    const images = opened.get(condition) ?? openAttack(atlas, clean, condition);
    opened.set(condition, images);
    return images;
  };
}

async function openAttack(atlas: Atlas, clean: Thumbnails, key: string): Promise<AttackImages | null> {
  const path = `conditions/${key}`;
  if (!atlas.has(`${path}/thumbnails/0`)) return null;
  const after = openThumbnails(atlas, `${path}/thumbnails`);
  const last = await openChanges(atlas, `${path}/perturbation`);
  const steps = await Promise.all(
    atlas.condition(key).steps.map(async (_, step, all): Promise<StepImages> => {
      if (step === all.length - 1) return { images: after, changes: last };
      if (step === 0) return { images: clean, changes: null };
      const changes = await openChanges(atlas, `${path}/changes/${step}`);
      return { images: changes && addChanges(clean, changes), changes };
    }),
  );
  return { at: (step) => steps[step], last };
}

async function openChanges(atlas: Atlas, path: string): Promise<Changes | null> {
  if (!atlas.has(`${path}/0`)) return null;
  return {
    images: openThumbnails(atlas, path),
    factor: await atlas.attribute<number>(`${path}/0`, "factor"),
  };
}

/** Attacked images: the clean ones plus the changes, which are stored separately. */
function addChanges(clean: Thumbnails, { images, factor }: Changes): Thumbnails {
  const cache = recentThumbnails();
  const read = async (image: number): Promise<Thumbnail | null> => {
    const [before, change] = await Promise.all([clean.get(image), images.get(image)]);
    if (!before || !change) return null;
    const { width, height } = before;
    const [pixels, differences] = [before, change].map(({ bitmap }) => pixelsOf(bitmap, width, height));
    addPixels(pixels.data, differences.data, factor);
    const thumbnail = { bitmap: await createImageBitmap(pixels), width, height };
    cache.set(image, thumbnail);
    return thumbnail;
  };
  return { get: (image) => cache.get(image) ?? read(image) };
}

/** Add differences around middle grey, divided by their factor, to pixels of red, green, blue and alpha. */
export function addPixels(pixels: Uint8ClampedArray, differences: Uint8ClampedArray, factor: number): void {
  for (let at = 0; at < pixels.length; at++)
    if (at % 4 < 3) pixels[at] = pixels[at] + (differences[at] - GREY) / factor;
}

function pixelsOf(bitmap: ImageBitmap, width: number, height: number): ImageData {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D;
  context.drawImage(bitmap, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}
