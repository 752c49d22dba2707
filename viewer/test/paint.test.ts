import { describe, expect, it } from "vitest";
import type { Frame } from "../src/data/frame";
import { galleryOrder } from "../src/panels/gallery";
import { paint, STATE } from "../src/space/paint";
import {
  classMarks,
  evidenceColour,
  MUTED,
  RELIABLE,
  strengthColour,
  TRAJECTORY_COLOURS,
  TRAJECTORY_SHAPES,
  UNRELIABLE,
} from "../src/state/colours";
import { NO_FILTER } from "../src/state/facets";
import type { Snapshot } from "../src/state/snapshot";
import { COLOURS, type View } from "../src/state/view";

// Three images of two regions, such that every case occurs.
const labels = Uint16Array.of(0, 1, 11);
const drawn = Int16Array.of(0, 0, 0, 100, 0, 0, 0, 50, 0, 0, 0, 25, 3, 4, 0, 0, 0, 99);
const positions = { all: drawn, dimensions: 3, unit: 1, scale: 0.02 };
const frame = {
  regions: 2,
  grid: [1, 2],
  predictions: Uint16Array.of(0, 0, 11),
  category: Uint8Array.of(0, 2, 1, 0, 11, 11),
  confidence: Uint8Array.of(255, 130, 20, 140, 250, 60),
  knowledge: Uint8Array.of(3, 1, 0, 1, 3, 0),
  trajectory: Uint8Array.of(1, 2, 0, 4, 1, 3),
  temperatures: null,
  stability: { values: Uint8Array.of(6, 3, 0, 5, 2, 6), refits: 6 },
  outcome: Uint8Array.of(3, 1, 0),
  certainty: Uint16Array.of(60000, 50000, 30000),
  region: positions,
  bits: { values: Int16Array.of(0, 200, -200, 50, -9000, 400), scale: 0.01 },
  sample: { ...positions, all: drawn.slice(0, 9) },
} as unknown as Frame;
const marks = classMarks(12);
const view = (changes: Partial<View> = {}, filter: Partial<View["filter"]> = {}): View =>
  ({
    space: "regions",
    colour: "true",
    selection: [],
    sort: "number",
    ...changes,
    filter: { ...NO_FILTER, ...filter },
  }) as View;
const painted = (...given: Parameters<typeof view>) =>
  paint(frame, view(...given), labels, marks, { strength: 2, bits: 2 });
const rgb = (look: Uint8Array) =>
  Array.from({ length: look.length / 4 }, (_, id) => [...look.subarray(4 * id, 4 * id + 3)]);
const looks = (look: Uint8Array) =>
  rgb(look).map((colour, id) => ({ rgb: colour, shape: look[4 * id + 3] & 7 }));
const states = (look: Uint8Array) =>
  Array.from({ length: look.length / 4 }, (_, id) => (look[4 * id + 3] >> 3) & 3);

describe("painting", () => {
  it("colours by the class of the image, faint where there is no knowledge point", () => {
    const { look, shown, plain, count } = painted();
    expect(rgb(look)).toEqual([0, 0, 1, 1, 11, 11].map((label) => marks[label].rgb));
    expect(states(look)).toEqual([2, 2, 1, 2, 2, 1]);
    expect(look[4 * 4 + 3] & 7).toBe(marks[11].shape);
    expect([shown, plain, count]).toEqual([6, 4, 6]);
  });

  it("colours by predicted class, region's class, reliability and trajectory type", () => {
    expect(rgb(painted({ colour: "predicted" }).look)[2]).toEqual(marks[0].rgb);
    const ofRegions = [marks[0].rgb, marks[2].rgb, MUTED, marks[0].rgb, marks[11].rgb, MUTED];
    expect(rgb(painted({ colour: "knowledge" }).look)).toEqual(ofRegions);
    const [one, other, none] = [RELIABLE, UNRELIABLE, { rgb: MUTED, shape: 0 }];
    const { look } = painted({ colour: "reliability" });
    expect(looks(look)).toEqual([one, other, none, other, one, none]);
    expect(one.shape).not.toBe(other.shape);
    expect(looks(painted({ colour: "path" }).look)).toEqual(
      [1, 2, 0, 4, 1, 3].map((type) => ({ rgb: TRAJECTORY_COLOURS[type], shape: TRAJECTORY_SHAPES[type] })),
    );
  });

  it("colours by strength, the same for the same strength", () => {
    const colours = rgb(painted({ colour: "strength" }).look);
    expect(new Set(colours.map(String)).size).toBe(5);
    expect(states(painted({ colour: "strength" }).look)).toEqual(Array(6).fill(STATE.plain));
  });

  it("colours by strength in all dimensions, also those that are not drawn", () => {
    const deep = { ...positions, all: Int16Array.of(0, 0, 0, 100, 0, 0, 0, 100), dimensions: 4 };
    const two = { ...frame, regions: 2, region: deep } as unknown as Frame;
    const colours = rgb(
      paint(two, view({ colour: "strength" }), labels.slice(0, 1), marks, { strength: 2, bits: 2 }).look,
    );
    expect(colours[0]).toEqual(colours[1]);
    expect(colours[0]).toEqual(strengthColour(1));
  });

  it("colours by evidence on one scale, grey at 0, and the same beyond its ends", () => {
    const { look } = painted({ colour: "evidence" });
    const [none, full, against, some, beyond, above] = rgb(look);
    expect(none).toEqual(MUTED);
    expect(full).toEqual(evidenceColour(1));
    expect(against).toEqual(evidenceColour(-1));
    expect(some).toEqual(evidenceColour(0.25));
    expect(beyond).toEqual(against);
    expect(above).toEqual(full);
    expect(states(look)).toEqual(Array(6).fill(STATE.plain));
  });

  it("shows what passes the filter", () => {
    const ids = (filter: Partial<View["filter"]>, changes: Partial<View> = {}) => {
      const { visible, shown } = painted(changes, filter);
      const passing = [...visible.keys()].filter((id) => visible[id]);
      expect(shown).toBe(passing.length);
      return passing;
    };
    expect(ids({ classes: [1, 11] })).toEqual([2, 3, 4, 5]);
    expect(ids({ decisions: [0] })).toEqual([0, 1, 2, 3]);
    expect(ids({ regions: [0] })).toEqual([0, 3]);
    expect(ids({ classes: [1], regions: [0] })).toEqual([3]);
    expect(ids({ decided: "misclassified" })).toEqual([2, 3]);
    expect(ids({ decided: "correct", bits: [-1, 2] })).toEqual([0, 1]);
    expect(ids({ bits: [null, -1] })).toEqual([2, 4]);
    expect(ids({ stable: true })).toEqual([0, 5]);
    expect(ids({ outcome: "succeeded" })).toEqual([0, 1]);
    expect(ids({ outcome: "failed" })).toEqual([2, 3]);
    expect(ids({ outcome: "not attacked" })).toEqual([4, 5]);
    for (const colour of COLOURS) expect(ids({ regions: [0] }, { colour })).toEqual([0, 3]);
    // An image passes where one of its regions does.
    expect(ids({ regions: [0] }, { space: "images" })).toEqual([0, 1]);
    expect(ids({ decided: "misclassified" }, { space: "images" })).toEqual([1]);
    expect(ids({ points: "knowledge" })).toEqual([0, 1, 3, 4]);
    expect(ids({ points: "reliable" })).toEqual([0, 4]);
    expect(ids({ points: "unreliable" })).toEqual([1, 3]);
    expect(ids({ path: 1, points: "reliable" })).toEqual([0, 4]);
  });

  it("keeps the points outside in faint grey on request, and does not let them be picked", () => {
    const { look, visible, shown } = painted({}, { regions: [0], outside: true });
    expect(states(look)).toEqual([2, 1, 1, 2, 1, 1]);
    expect(rgb(look)[1]).toEqual(MUTED);
    expect([...visible]).toEqual([1, 0, 0, 1, 0, 0]);
    expect(shown).toBe(2);
  });

  it("emphasises selected points", () => {
    expect(states(painted({ selection: [0, 2] }).look)).toEqual([3, 1, 3, 1, 1, 1]);
    expect(states(painted({ selection: [0] }).look)).toEqual(states(painted().look));
  });

  it("keeps how sure a point is, so that the surest are in front", () => {
    const { look } = painted();
    expect(Array.from({ length: 6 }, (_, id) => look[4 * id + 3] >> 5)).toEqual([7, 4, 0, 4, 7, 1]);
  });

  it("paints images where a point is an image", () => {
    const { look, count } = painted({ space: "images", colour: "reliability" });
    expect(count).toBe(3);
    expect(looks(look)).toEqual([RELIABLE, UNRELIABLE, RELIABLE]);
  });
});

describe("the gallery", () => {
  const order = (...given: Parameters<typeof view>) =>
    galleryOrder({
      atlas: { labels, grid: () => [1, 2] },
      view: view(...given),
      frame,
    } as unknown as Snapshot);

  it("shows the images of the classes in the filter", () => {
    expect(order()).toEqual([0, 1, 2]);
    expect(order({}, { classes: [1] })).toEqual([1]);
    expect(order({}, { decisions: [0] })).toEqual([0, 1]);
    expect(order({}, { regions: [11] })).toEqual([2]);
  });

  it("puts wrong decisions first, the surest of them before the others, and the least sure correct ones next", () => {
    expect(order({ sort: "wrong" })).toEqual([1, 2, 0]);
    expect(order({ sort: "regions" }, { points: "knowledge" })).toEqual([0, 1, 2]);
    expect(order({ sort: "regions" }, { bits: [0, 3] })).toEqual([0, 1]);
  });

  it("puts those with the most selected points first", () => {
    expect(order({ selection: [1, 4, 5] })).toEqual([2, 0]);
    expect(order({ selection: [2, 0], space: "images" })).toEqual([0, 2]);
  });
});
