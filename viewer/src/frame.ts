/** What is shown at one moment: the arrays of a condition, a layer and a step. */

import type { Condition, Grid, Layer } from "./format";
import type { Positions, Run } from "./run";
import type { Space } from "./state";

/** In `targets`: the network was wrong about the image, and it was not attacked. */
export const NOT_ATTACKED = 65535;

export interface Frame {
  condition: Condition;
  layer: Layer;
  step: number;
  grid: Grid;
  /** Regions of an image. */
  regions: number;
  /** Mean directions (classes x dimensions) for the regions, and for the images. */
  directions: Float32Array;
  sampleDirections: Float32Array;
  /** The class that the network decides for (images). */
  predictions: Uint16Array;
  region: Positions;
  sample: Positions;
  /** What each region says: a class, 255 times its probability, and whether it is a knowledge point (1, reliable 2). */
  category: Uint8Array | Uint16Array;
  confidence: Uint8Array;
  knowledge: Uint8Array;
  /** Types of an attack's paths, where there is an attack. */
  trajectory: Uint8Array | null;
  /** Classes that an attack aims at; NOT_ATTACKED for images that it leaves alone. */
  targets: Uint16Array | null;
}

export interface Moment {
  condition: string;
  layer: string;
  step: number;
}

export async function loadFrame(run: Run, { condition: name, layer: key, step }: Moment): Promise<Frame> {
  const at = (array: string) => `layers/${key}/${name}/${array}`;
  const of = (array: string) => `conditions/${name}/${array}`;
  const optional = (path: string) => (run.has(path) ? run.read(path) : null);
  const grid = run.grid(name, key);
  const read = {
    directions: readDirections(run, name, key, step),
    sampleDirections: run.read<Float32Array>(of("direction"), step),
    predictions: run.read<Uint16Array>(of("predictions"), step),
    region: run.positions(at("position"), step),
    sample: run.positions(of("sample_position"), step),
    category: run.read<Uint8Array | Uint16Array>(at("category"), step),
    confidence: run.read<Uint8Array>(at("confidence"), step),
    knowledge: run.read<Uint8Array>(at("knowledge"), step),
    trajectory: optional(at("trajectory")) as Promise<Uint8Array> | null,
    targets: optional(of("targets")) as Promise<Uint16Array> | null,
  };
  // Waited for together: none of them may fail unheard while another is waited for.
  await Promise.all(Object.values(read));
  return {
    condition: run.condition(name),
    layer: run.layer(key),
    step,
    grid,
    regions: grid[0] * grid[1],
    directions: await read.directions,
    sampleDirections: await read.sampleDirections,
    predictions: await read.predictions,
    region: await read.region,
    sample: await read.sample,
    category: await read.category,
    confidence: await read.confidence,
    knowledge: await read.knowledge,
    trajectory: await read.trajectory,
    targets: await read.targets,
  };
}

/** Mean directions for the regions of a layer: its own where it has some, or else those of the condition. */
export function readDirections(
  run: Run,
  condition: string,
  layer: string,
  step: number,
): Promise<Float32Array> {
  const own = `layers/${layer}/${condition}/direction`;
  return run.read(run.has(own) ? own : `conditions/${condition}/direction`, step);
}

/** The positions that a space shows. */
export function shownPositions(frame: Frame, space: Space): Positions {
  return space === "regions" ? frame.region : frame.sample;
}

/** Where points are at each step of a condition: three numbers a step for each, NaN where a step is damaged. */
export async function pathsOfPoints(
  run: Run,
  { array, steps, ids }: { array: string; steps: number; ids: number[] },
) {
  const paths = ids.map(() => new Float32Array(3 * steps).fill(Number.NaN));
  for (let step = 0; step < steps; step++) {
    const found = await run.positions(array, step).catch(() => null);
    if (!found) continue;
    const { drawn, scale } = found;
    ids.forEach((id, each) => {
      for (let axis = 0; axis < 3; axis++) paths[each][3 * step + axis] = scale * drawn[3 * id + axis];
    });
  }
  return paths;
}

/** Frames by their moment; the last few are kept, so that the same moment is the same frame. */
export function makeFrames(run: Run, kept = 6): (moment: Moment) => Promise<Frame> {
  const frames = new Map<string, Promise<Frame>>();
  return (moment) => {
    const key = `${moment.condition}/${moment.layer}/${moment.step}`;
    const frame = frames.get(key) ?? loadFrame(run, moment);
    frames.delete(key);
    frames.set(key, frame);
    frame.catch(() => frames.delete(key));
    if (frames.size > kept) frames.delete(frames.keys().next().value as string);
    return frame;
  };
}

/** Distance from the origin that all but three points in a thousand keep, at least 1. */
export function reachOf({ drawn, scale }: Positions): number {
  const points = drawn.length / 3;
  const every = Math.max(1, Math.floor(points / 20000));
  const lengths: number[] = [];
  for (let id = 0; id < points; id += every)
    lengths.push(Math.hypot(drawn[3 * id], drawn[3 * id + 1], drawn[3 * id + 2]));
  lengths.sort((a, b) => a - b);
  return Math.max(1, scale * lengths[Math.floor(0.997 * (lengths.length - 1))]);
}
