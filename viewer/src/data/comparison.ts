/** The changes by an attack, or in a student, in each layer: points and evidence, with intervals. */

import type { Atlas } from "./atlas";
import { readLayerCounts, type Count, type Counts } from "./findings";
import type { Condition, Layer } from "./format";
import { readFrame, type Frame } from "./frame";
import { ratioOf } from "./intervals";

/** Counts per image and bits per region at one step; null if evidence was not measured. */
export interface ComparedStep {
  name: string;
  counts: Counts;
  bits: Count | null;
}

/** A layer from the reference (clean images, the teacher) to the end. */
export interface ComparedLayer {
  layer: Layer;
  steps: ComparedStep[];
}

/** Read the layers of an attack at its kept steps, or of a student after its teacher; unreadable ones are omitted. */
export async function readComparison(atlas: Atlas, condition: Condition): Promise<ComparedLayer[]> {
  const own = await readSteps(atlas, condition);
  if (condition.kind !== "model") return own;
  const [training] = atlas.attributes.conditions;
  const teacher = await readSteps(atlas, training, training.steps.length - 1);
  return own.flatMap(({ layer, steps }) => {
    const first = teacher.find((other) => other.layer.key === layer.key)?.steps[0];
    return first
      ? [
          {
            layer,
            steps: [
              { ...first, name: "teacher" },
              { ...steps[0], name: "student" },
            ],
          },
        ]
      : [];
  });
}

async function readSteps(atlas: Atlas, condition: Condition, only?: number): Promise<ComparedLayer[]> {
  const counts = await readLayerCounts(atlas, condition.key);
  const images = await comparedImages(atlas, condition);
  const layers = counts.map(async ({ layer, rows }) => {
    const chosen = only === undefined ? rows : [rows[only]];
    const steps = chosen.map(async (row) => ({
      name: condition.steps[row.step].label,
      counts: row,
      bits: await readBits(atlas, condition, layer, row.step, images),
    }));
    return { layer, steps: await Promise.all(steps) };
  });
  return Promise.all(layers);
}

/** The images that are compared: those that were attacked, or all. */
async function comparedImages(atlas: Atlas, { key }: Condition): Promise<(image: number) => boolean> {
  const path = `conditions/${key}/outcome`;
  const outcome = atlas.has(path) ? await atlas.read<Uint8Array>(path).catch(() => null) : null;
  return (image) => outcome === null || (outcome[image] & 1) === 1;
}

async function readBits(
  atlas: Atlas,
  { key }: Condition,
  layer: Layer,
  step: number,
  isCompared: (image: number) => boolean,
): Promise<Count | null> {
  const path = `layers/${layer.key}/${key}/bits`;
  if (!atlas.has(path)) return null;
  const read = await Promise.all([
    atlas.read<Int16Array>(path, step),
    atlas.attribute<number[]>(path, "scale"),
  ]).catch(() => null);
  return read && meanBits(read[0], read[1][step], atlas.labels.length, isCompared);
}

/** Mean evidence of the regions of some images, with a 95 % interval over images. */
export function meanBits(
  values: Int16Array,
  scale: number,
  images: number,
  isCompared: (image: number) => boolean,
): Count {
  const regions = values.length / images;
  const parts: [number, number][] = [];
  for (let image = 0; image < images; image++) {
    if (!isCompared(image)) continue;
    let sum = 0;
    for (let id = image * regions; id < (image + 1) * regions; id++) sum += values[id];
    parts.push([scale * sum, regions]);
  }
  return ratioOf(parts);
}

/** How many reliable points per image a layer loses or gains. */
export function changeOf({ steps }: ComparedLayer): number {
  return steps[steps.length - 1].counts.reliable.value - steps[0].counts.reliable.value;
}

/** Whether a layer's reliable points change by more than both of their intervals. */
function isBeyond({ steps }: ComparedLayer): boolean {
  const [before, after] = [steps[0].counts.reliable, steps[steps.length - 1].counts.reliable];
  return before.high < after.low || after.high < before.low;
}

/** The layer that changes most, in reliable points; null if none does beyond its intervals. */
export function mostChanged(layers: ComparedLayer[]): ComparedLayer | null {
  return layers
    .filter(isBeyond)
    .reduce<ComparedLayer | null>(
      (best, layer) => (!best || Math.abs(changeOf(layer)) > Math.abs(changeOf(best)) ? layer : best),
      null,
    );
}

/** A region and its turn, in degrees. */
export interface Turn {
  id: number;
  angle: number;
}

/**
 * The region that turned most: the largest angle at the origin between two frames, among regions that are knowledge
 * points in both; null without one.
 */
export function turnedMost(
  before: Frame,
  after: Frame,
  isCompared: (id: number) => boolean = () => true,
): Turn | null {
  if (before.regions !== after.regions) return null;
  let best: Turn | null = null;
  for (let id = 0; id < before.knowledge.length; id++) {
    if (!(before.knowledge[id] & after.knowledge[id] & 1) || !isCompared(id)) continue;
    const angle = angleBetween(before, after, id);
    if (!best || angle > best.angle) best = { id, angle };
  }
  return best;
}

function angleBetween({ region: one }: Frame, { region: other }: Frame, id: number): number {
  const first = id * one.dimensions;
  let [dot, a, b] = [0, 0, 0];
  for (let axis = first; axis < first + one.dimensions; axis++) {
    dot += one.all[axis] * other.all[axis];
    a += one.all[axis] ** 2;
    b += other.all[axis] ** 2;
  }
  const cosine = dot / (Math.sqrt(a * b) || 1);
  return (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
}

/** The region that turned most from the reference to the end of a condition, among the compared images. */
export async function readTurnedMost(
  atlas: Atlas,
  condition: Condition,
  layer: string,
): Promise<Turn | null> {
  const [training] = atlas.attributes.conditions;
  const last = condition.steps.length - 1;
  const reference =
    condition.kind === "attack"
      ? { condition: condition.key, layer, step: 0 }
      : { condition: training.key, layer, step: training.steps.length - 1 };
  const [before, after, isCompared] = await Promise.all([
    readFrame(atlas, reference),
    readFrame(atlas, { condition: condition.key, layer, step: last }),
    comparedImages(atlas, condition),
  ]);
  return turnedMost(before, after, (id) => isCompared(Math.floor(id / after.regions)));
}
