/** An opened atlas: typed access to its arrays, one step at a time, with what was read last kept at hand. */

import * as zarr from "zarrita";
import { threeOf } from "./dimensions";
import {
  AtlasError,
  checkAttributes,
  type Attributes,
  type Condition,
  type Grid,
  type Layer,
} from "./format";
import { concentrationTable, type Concentration } from "./posterior";
import type { Get } from "./store";

/** Bytes of decoded arrays that are kept; the least recently used go first. */
const KEPT_BYTES = 160e6;

type Values = Int16Array | Uint8Array | Uint16Array | Float32Array;

/** Positions of one step: three integers a point for drawing, all dimensions for arithmetic; times scale. */
export interface Positions {
  drawn: Int16Array;
  all: Int16Array;
  dimensions: number;
  scale: number;
}

export interface Sprite {
  first: number;
  count: number;
  columns: number;
  size: Grid;
  media_type: string;
}

export interface Run {
  attributes: Attributes;
  concentration: Concentration;
  labels: Uint16Array;
  names: string[];
  layer(key: string): Layer;
  condition(key: string): Condition;
  /** Grid of a layer as a condition has it. */
  grid(condition: string, layer: string): Grid;
  /** Whether an array is in the atlas at all. */
  has(path: string): boolean;
  /** One step of an array with an axis of steps, or a whole array without one. */
  read<T extends Values>(path: string, step?: number): Promise<T>;
  /** The numbers of an array's attribute `scale`. */
  scale(path: string): Promise<number[]>;
  positions(path: string, step: number): Promise<Positions>;
  sprites(path: string): Promise<Sprite[]>;
}

export async function openRun(get: Get): Promise<Run> {
  const root = await openRoot(get);
  const attributes = checkAttributes(root.attrs);
  const { labels, names, known } = await readBase(root, attributes);
  const arrays = new Map<string, Promise<zarr.Array<zarr.DataType>>>();
  const open = (path: string) => {
    if (!arrays.has(path))
      arrays.set(
        path,
        damagedOr(path, () => zarr.open.v3(root.resolve(path), { kind: "array" })),
      );
    return arrays.get(path) as Promise<zarr.Array<zarr.DataType>>;
  };
  const kept = new Kept<Values>(KEPT_BYTES);
  const read = <T extends Values>(path: string, step?: number) =>
    kept.get(`${path}/${step ?? ""}`, async () => readPart(await open(path), path, step)) as Promise<T>;
  const scale = async (path: string) => (await open(path)).attrs.scale as number[];
  return {
    attributes,
    concentration: concentrationTable(attributes.concentration.values, attributes.concentration.reach),
    labels,
    names,
    layer: (key) => attributes.layers.find((each) => each.key === key) as Layer,
    condition: (key) => attributes.conditions.find((each) => each.key === key) as Condition,
    grid: (condition, layer) =>
      (attributes.conditions.find((each) => each.key === condition) as Condition).grids[layer],
    has: (path) => known.has(path),
    read,
    scale,
    async positions(path, step) {
      const all = await read<Int16Array>(path, step);
      const dimensions = (await open(path)).shape[2];
      return { drawn: threeOf(all, dimensions), all, dimensions, scale: (await scale(path))[step] };
    },
    async sprites(path) {
      const found: Sprite[] = [];
      for (let place = 0; known.has(`${path}/${place}`); place++)
        found.push((await open(`${path}/${place}`)).attrs as unknown as Sprite);
      return found;
    },
  };
}

async function openRoot(get: Get): Promise<zarr.Group<zarr.Readable>> {
  // Every chunk is written: one that is not there is damage, and not a chunk of zeros as zarr would have it.
  const strict = {
    async get(path: zarr.AbsolutePath) {
      const bytes = await get(path.slice(1));
      if (!bytes && !path.endsWith("zarr.json"))
        throw new AtlasError("damaged", `A part of this atlas is missing: ${path.slice(1)}.`);
      return bytes;
    },
  };
  try {
    const store = await zarr.withConsolidatedMetadata(strict, { format: "v3" });
    return await zarr.open.v3(store, { kind: "group" });
  } catch (error) {
    throw error instanceof AtlasError
      ? error
      : new AtlasError("damaged", `This atlas cannot be read: ${(error as Error).message}.`);
  }
}

async function readBase(root: zarr.Group<zarr.Readable>, attributes: Attributes) {
  const listed = (root.store as unknown as zarr.Listable<zarr.Readable>).contents();
  const known = new Set(listed.filter((each) => each.kind === "array").map((each) => each.path.slice(1)));
  const whole = async (path: string) =>
    readPart(await damagedOr(path, () => zarr.open.v3(root.resolve(path), { kind: "array" })), path);
  const labels = (await whole("labels")) as Uint16Array;
  const names = JSON.parse(new TextDecoder().decode((await whole("image_names")) as Uint8Array)) as string[];
  if (labels.length !== attributes.n_images || names.length !== attributes.n_images)
    throw new AtlasError("damaged", "This atlas is damaged: its labels, names and images differ in number.");
  return { labels, names, known };
}

/** One step, or the whole of an array. */
async function readPart(array: zarr.Array<zarr.DataType>, path: string, step?: number): Promise<Values> {
  const place = array.shape.map((_, axis) => (axis === 0 && step !== undefined ? step : 0));
  const part = await damagedOr(path, () => (step === undefined ? zarr.get(array) : array.getChunk(place)));
  const length =
    array.shape.reduce((size, each) => size * each, 1) / (step === undefined ? 1 : array.shape[0]);
  const values = part.data as unknown as Values;
  if (values.length !== length)
    throw new AtlasError("damaged", `This atlas is damaged: ${path} has another size than it says.`);
  return values;
}

async function damagedOr<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AtlasError) throw error;
    throw new AtlasError(
      "damaged",
      `A part of this atlas cannot be read: ${path} (${(error as Error).message}).`,
    );
  }
}

/** What was read last, up to so many bytes; a failed read is not kept. */
class Kept<T extends ArrayBufferView> {
  private readonly found = new Map<string, { value: Promise<T>; size: number }>();
  private total = 0;

  constructor(private readonly limit: number) {}

  get(key: string, read: () => Promise<T>): Promise<T> {
    const before = this.found.get(key);
    if (before) {
      this.found.delete(key);
      this.found.set(key, before);
      return before.value;
    }
    const entry = { value: read(), size: 0 };
    this.found.set(key, entry);
    entry.value.then(
      (value) => {
        entry.size = value.byteLength;
        this.total += entry.size;
        this.trim();
      },
      () => this.found.delete(key),
    );
    return entry.value;
  }

  private trim(): void {
    for (const [key, { size }] of this.found) {
      if (this.total <= this.limit || this.found.size === 1) return;
      if (size === 0) continue;
      this.found.delete(key);
      this.total -= size;
    }
  }
}
