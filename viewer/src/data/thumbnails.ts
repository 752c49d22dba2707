/** Small images, cut out of the atlas's sprites. */

import type { Atlas, Sprite } from "./atlas";

/** An image as a part of the bitmap of its sprite. */
export interface Thumbnail {
  bitmap: ImageBitmap;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Thumbnails {
  /** An image: at once when its sprite was read before; null where the atlas does not hold it. */
  get(image: number): Thumbnail | null | Promise<Thumbnail | null>;
}

/** The images under a path: `thumbnails`, or those of an attack. */
export function openThumbnails(atlas: Atlas, path: string): Thumbnails {
  const sprites = atlas.sprites(path);
  const bitmaps = new Map<number, Promise<ImageBitmap>>();
  const cache = new Map<number, Thumbnail>();
  const read = async (image: number): Promise<Thumbnail | null> => {
    const all = await sprites;
    const index = all.findIndex(({ first, count }) => image >= first && image < first + count);
    if (index < 0) return null;
    const sprite = all[index];
    const bitmap = bitmaps.get(index) ?? decode(atlas, `${path}/${index}`, sprite);
    bitmaps.set(index, bitmap);
    // A request that failed is made again.
    bitmap.catch(() => bitmaps.delete(index));
    const thumbnail = cut(await bitmap, sprite, image);
    cache.set(image, thumbnail);
    return thumbnail;
  };
  return { get: (image) => cache.get(image) ?? read(image) };
}

function cut(
  bitmap: ImageBitmap,
  { first, columns, size: [height, width] }: Sprite,
  image: number,
): Thumbnail {
  const cell = image - first;
  return { bitmap, x: (cell % columns) * width, y: Math.floor(cell / columns) * height, width, height };
}

async function decode(atlas: Atlas, path: string, { media_type: type }: Sprite): Promise<ImageBitmap> {
  const bytes = (await atlas.read<Uint8Array>(path)) as Uint8Array<ArrayBuffer>;
  return createImageBitmap(new Blob([bytes], { type }));
}
