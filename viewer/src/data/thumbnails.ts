/** Small images, cut out of the atlas's sprites. */

import type { Atlas, Sprite } from "./atlas";
import { Recent } from "./recent";

export interface Thumbnail {
  bitmap: ImageBitmap;
  width: number;
  height: number;
}

export interface Thumbnails {
  /** An image: synchronously if its sprite was read before; null if the atlas does not contain it. */
  get(image: number): Thumbnail | null | Promise<Thumbnail | null>;
}

/** Decoded sprites of a path that are kept, and bytes of images cut out of them. */
const [SPRITES, BYTES] = [4, 96e6];

/** Images that were read, the most recent of them. */
export function recentThumbnails(): Recent<Thumbnail> {
  return new Recent(BYTES, ({ width, height }) => 4 * width * height);
}

/** The images under a path: `thumbnails`, or those of an attack. */
export function openThumbnails(atlas: Atlas, path: string): Thumbnails {
  const sprites = atlas.sprites(path);
  const bitmaps = new Recent<Promise<ImageBitmap>>(SPRITES, () => 1);
  const cache = recentThumbnails();
  const read = async (image: number): Promise<Thumbnail | null> => {
    const all = await sprites;
    const index = all.findIndex(({ first, count }) => image >= first && image < first + count);
    if (index < 0) return null;
    const sprite = all[index];
    const bitmap = bitmaps.get(index) ?? decode(atlas, `${path}/${index}`, sprite);
    bitmaps.set(index, bitmap);
    // A request that failed is made again.
    bitmap.catch(() => bitmaps.delete(index));
    const thumbnail = await cut(await bitmap, sprite, image);
    cache.set(image, thumbnail);
    return thumbnail;
  };
  return { get: (image) => cache.get(image) ?? read(image) };
}

/** An image as a bitmap of its own: to draw a part of a large one costs as much as the whole. */
async function cut(
  sprite: ImageBitmap,
  { first, columns, size: [height, width] }: Sprite,
  image: number,
): Promise<Thumbnail> {
  const cell = image - first;
  const [x, y] = [(cell % columns) * width, Math.floor(cell / columns) * height];
  return { bitmap: await createImageBitmap(sprite, x, y, width, height), width, height };
}

async function decode(atlas: Atlas, path: string, { media_type: type }: Sprite): Promise<ImageBitmap> {
  const bytes = (await atlas.read<Uint8Array>(path)) as Uint8Array<ArrayBuffer>;
  return createImageBitmap(new Blob([bytes], { type }));
}
