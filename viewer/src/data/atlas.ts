/** An opened atlas: typed access to its arrays, one step at a time, with a cache of recent reads. */

import * as zarr from "zarrita";
import {
  AtlasError,
  checkAttributes,
  type Attributes,
  type Condition,
  type Grid,
  type Layer,
} from "./format";
import { LruCache } from "./lru_cache";
import { fromPlanes } from "./planes";
import { interpolateConcentration, type Concentration } from "./posterior";
import type { Get } from "./store";

/** Bytes of decoded arrays in memory. */
const CACHE_BYTES = 160e6;

type Values = Int16Array | Uint8Array | Uint16Array | Float32Array;

/** Positions of one step: integers in all dimensions, times scale. */
export interface Positions {
  all: Int16Array;
  dimensions: number;
  scale: number;
  /** The factor of positions in the computation of probabilities. */
  unit: number;
}

export interface Sprite {
  first: number;
  count: number;
  columns: number;
  size: Grid;
  media_type: string;
}

export interface Atlas {
  attributes: Attributes;
  concentration: Concentration;
  labels: Uint16Array;
  names: string[];
  layer(key: string): Layer;
  condition(key: string): Condition;
  /** Grid of a layer in a condition: a student may have another one than its teacher. */
  grid(condition: string, layer: string): Grid;
  /** Whether the atlas contains an array. */
  has(path: string): boolean;
  /** One step of an array, or the whole array where no step is given; decoded where it is stored as planes of bytes. */
  read<T extends Values>(path: string, step?: number): Promise<T>;
  /** An attribute of an array. */
  attribute<T>(path: string, name: string): Promise<T>;
  positions(path: string, step: number): Promise<Positions>;
  sprites(path: string): Promise<Sprite[]>;
}

export async function readAtlas(get: Get): Promise<Atlas> {
  const root = await openRoot(get);
  const attributes = checkAttributes(root.attrs);
  const { labels, names, paths } = await readBase(root, attributes);
  const arrays = new Map<string, Promise<zarr.Array<zarr.DataType>>>();
  const open = (path: string) => {
    if (!arrays.has(path))
      arrays.set(
        path,
        orDamaged(path, () => zarr.open.v3(root.resolve(path), { kind: "array" })),
      );
    return arrays.get(path) as Promise<zarr.Array<zarr.DataType>>;
  };
  const cache = new LruCache<Values>(CACHE_BYTES);
  const read = <T extends Values>(path: string, step?: number) =>
    cache.get(`${path}/${step ?? ""}`, async () => {
      const array = await open(path);
      const stored = await readPart(array, path, step);
      const grid = array.attrs.planes as Grid | undefined;
      return grid ? fromPlanes(stored as Uint8Array, array.shape[2], grid) : stored;
    }) as Promise<T>;
  const condition = (key: string) =>
    attributes.conditions.find((condition) => condition.key === key) as Condition;
  const attribute = async <T>(path: string, name: string) => (await open(path)).attrs[name] as T;
  return {
    attributes,
    concentration: interpolateConcentration(attributes.concentration.values, attributes.concentration.reach),
    labels,
    names,
    layer: (key) => attributes.layers.find((layer) => layer.key === key) as Layer,
    condition,
    grid: (key, layer) => condition(key).grids[layer],
    has: (path) => paths.has(path),
    read,
    attribute,
    async positions(path, step) {
      const all = await read<Int16Array>(path, step);
      const { shape, attrs } = await open(path);
      const dimensions = shape[2];
      const [scale, unit] = [(attrs.scale as number[])[step], (attrs.unit as number | undefined) ?? 1];
      return { all, dimensions, scale, unit };
    },
    async sprites(path) {
      const sprites: Sprite[] = [];
      for (let index = 0; paths.has(`${path}/${index}`); index++)
        sprites.push((await open(`${path}/${index}`)).attrs as unknown as Sprite);
      return sprites;
    },
  };
}

async function openRoot(get: Get): Promise<zarr.Group<zarr.Readable>> {
  // Every chunk is written, so a missing one is damage; zarr would read it as zeros.
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
  const paths = new Set(listed.filter(({ kind }) => kind === "array").map(({ path }) => path.slice(1)));
  const whole = async (path: string) =>
    readPart(await orDamaged(path, () => zarr.open.v3(root.resolve(path), { kind: "array" })), path);
  const labels = (await whole("labels")) as Uint16Array;
  const names = JSON.parse(new TextDecoder().decode((await whole("image_names")) as Uint8Array)) as string[];
  if (labels.length !== attributes.n_images || names.length !== attributes.n_images)
    throw new AtlasError(
      "damaged",
      "This atlas is damaged: the numbers of its labels, names and images differ.",
    );
  return { labels, names, paths };
}

/** Read one step of an array, or all of it. */
async function readPart(array: zarr.Array<zarr.DataType>, path: string, step?: number): Promise<Values> {
  const chunk = array.shape.map((_, axis) => (axis === 0 && step !== undefined ? step : 0));
  const part = await orDamaged(path, () => (step === undefined ? zarr.get(array) : array.getChunk(chunk)));
  const length =
    array.shape.reduce((product, size) => product * size, 1) / (step === undefined ? 1 : array.shape[0]);
  const values = part.data as unknown as Values;
  if (values.length !== length)
    throw new AtlasError(
      "damaged",
      `This atlas is damaged: ${path} does not have the size that its metadata state.`,
    );
  return values;
}

/** Turn any failure into an error that names the array. */
async function orDamaged<T>(path: string, work: () => Promise<T>): Promise<T> {
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
