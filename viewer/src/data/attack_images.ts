/** The pictures of an attack: the images after its last step, and what it changed. */

import type { Atlas } from "./atlas";
import { openThumbnails, type Thumbnails } from "./thumbnails";

export interface AttackImages {
  after: Thumbnails;
  /** Differences around middle grey, times the factor; null in earlier atlases. */
  perturbation: { images: Thumbnails; factor: number } | null;
}

/** A reader that opens the pictures of each condition once; null where it has none. */
export function makeAttackImages(atlas: Atlas): (condition: string) => Promise<AttackImages | null> {
  const opened = new Map<string, Promise<AttackImages | null>>();
  return (condition) => {
    const images = opened.get(condition) ?? openAttack(atlas, `conditions/${condition}`);
    opened.set(condition, images);
    return images;
  };
}

async function openAttack(atlas: Atlas, path: string): Promise<AttackImages | null> {
  if (!atlas.has(`${path}/thumbnails/0`)) return null;
  const after = openThumbnails(atlas, `${path}/thumbnails`);
  if (!atlas.has(`${path}/perturbation/0`)) return { after, perturbation: null };
  const factor = await atlas.attribute<number>(`${path}/perturbation/0`, "factor");
  return { after, perturbation: { images: openThumbnails(atlas, `${path}/perturbation`), factor } };
}
