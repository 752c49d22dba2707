/** Small images out of the atlas's sprites. */

import type { Run, Sprite } from "./run";

/** A part of a bitmap: an image in its sprite. */
export interface Cut {
  bitmap: ImageBitmap;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Pictures {
  /** An image: at once when its sprite was read before; nothing where the atlas does not have it. */
  cut(image: number): Cut | null | Promise<Cut | null>;
}

/** The pictures under a path, `thumbnails` or those of an attack. */
export function openPictures(run: Run, path: string): Pictures {
  const sprites = run.sprites(path);
  const sheets = new Map<number, Promise<ImageBitmap>>();
  const found = new Map<number, Cut>();
  const read = async (image: number): Promise<Cut | null> => {
    const all = await sprites;
    const place = all.findIndex(({ first, count }) => image >= first && image < first + count);
    if (place < 0) return null;
    const sprite = all[place];
    const sheet = sheets.get(place) ?? decode(run, `${path}/${place}`, sprite);
    sheets.set(place, sheet);
    // What failed once, as a request may, is asked for again.
    sheet.catch(() => sheets.delete(place));
    const cut = cutOf(await sheet, sprite, image);
    found.set(image, cut);
    return cut;
  };
  return { cut: (image) => found.get(image) ?? read(image) };
}

function cutOf(bitmap: ImageBitmap, { first, columns, size: [height, width] }: Sprite, image: number): Cut {
  const at = image - first;
  return { bitmap, x: (at % columns) * width, y: Math.floor(at / columns) * height, width, height };
}

async function decode(run: Run, path: string, { media_type: type }: Sprite): Promise<ImageBitmap> {
  const bytes = (await run.read<Uint8Array>(path)) as Uint8Array<ArrayBuffer>;
  return createImageBitmap(new Blob([bytes], { type }));
}
