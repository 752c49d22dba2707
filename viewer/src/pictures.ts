/** Small images out of the atlas's sprites. */

import type { Run, Sprite } from "./run";

export interface Pictures {
  /** Draw an image into a canvas; resolves to false where the atlas does not have it. */
  draw(canvas: HTMLCanvasElement, image: number): Promise<boolean>;
}

interface Sheet {
  bitmap: ImageBitmap;
  sprite: Sprite;
}

/** The pictures under a path, `thumbnails` or those of an attack. */
export function openPictures(run: Run, path: string): Pictures {
  const sprites = run.sprites(path);
  const sheets = new Map<number, Promise<Sheet>>();
  const sheet = (place: number, sprite: Sprite) => {
    if (!sheets.has(place)) sheets.set(place, decode(run, `${path}/${place}`, sprite));
    return sheets.get(place) as Promise<Sheet>;
  };
  return {
    async draw(canvas, image) {
      const all = await sprites;
      const place = all.findIndex(({ first, count }) => image >= first && image < first + count);
      if (place < 0) return false;
      const { bitmap, sprite } = await sheet(place, all[place]);
      const [height, width] = sprite.size;
      const at = image - sprite.first;
      canvas.width = width;
      canvas.height = height;
      const [x, y] = [(at % sprite.columns) * width, Math.floor(at / sprite.columns) * height];
      canvas.getContext("2d")?.drawImage(bitmap, x, y, width, height, 0, 0, width, height);
      return true;
    },
  };
}

async function decode(run: Run, path: string, sprite: Sprite): Promise<Sheet> {
  const bytes = (await run.read<Uint8Array>(path)) as Uint8Array<ArrayBuffer>;
  return { bitmap: await createImageBitmap(new Blob([bytes], { type: sprite.media_type })), sprite };
}
