/** Images worth a look: typical ones, misclassified ones, those that an attack turned. */

import type { Atlas } from "./atlas";
import type { Condition } from "./format";

export const CHOICES = ["typical", "wrong", "fooled"] as const;
export type Choice = (typeof CHOICES)[number];

/** Share of the correctly classified images, those nearest to their median, that are typical. */
const TYPICAL = 0.2;

/** The values of each image in a layer at a step. */
interface Ranked {
  /** Mean evidence of the image's regions; reliable points if evidence was not measured. */
  value: Float64Array;
  predictions: Uint16Array;
}

/** Images of a kind, the best example first; for `fooled` by the attack of the given condition. */
export async function readChoice(
  atlas: Atlas,
  choice: Choice,
  layer: string,
  attack: Condition | null,
): Promise<number[]> {
  const [training] = atlas.attributes.conditions;
  if (choice === "fooled") return attack ? readFooled(atlas, attack) : [];
  const { value, predictions } = await rankImages(atlas, training, layer);
  const correct = (image: number) => predictions[image] === atlas.labels[image];
  const images = Array.from(atlas.labels, (_, image) => image);
  if (choice === "wrong")
    return images.filter((image) => !correct(image)).sort((one, other) => value[one] - value[other]);
  const right = images.filter(correct).sort((one, other) => value[one] - value[other]);
  const middle = value[right[Math.floor(right.length / 2)]];
  const distance = (image: number) => Math.abs(value[image] - middle);
  return right
    .sort((one, other) => distance(one) - distance(other))
    .slice(0, Math.ceil(TYPICAL * right.length));
}

async function rankImages(atlas: Atlas, { key, steps }: Condition, layer: string): Promise<Ranked> {
  const last = steps.length - 1;
  const path = `layers/${layer}/${key}`;
  const measured = atlas.has(`${path}/bits`);
  const [values, predictions] = await Promise.all([
    measured
      ? atlas.read<Int16Array>(`${path}/bits`, last)
      : atlas.read<Uint8Array>(`${path}/knowledge`, last),
    atlas.read<Uint16Array>(`conditions/${key}/predictions`, last),
  ]);
  const regions = values.length / atlas.labels.length;
  const value = Float64Array.from(atlas.labels, (_, image) => {
    let sum = 0;
    for (let id = image * regions; id < (image + 1) * regions; id++)
      sum += measured ? values[id] : values[id] >> 1;
    return sum / regions;
  });
  return { value, predictions };
}

/** Images that the attack made the network misclassify as its target. */
async function readFooled(atlas: Atlas, { key }: Condition): Promise<number[]> {
  const path = `conditions/${key}/outcome`;
  if (!atlas.has(path)) return [];
  const outcome = await atlas.read<Uint8Array>(path);
  return Array.from(outcome.keys()).filter((image) => (outcome[image] & 3) === 3);
}
