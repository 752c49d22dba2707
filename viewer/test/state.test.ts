import { describe, expect, it } from "vitest";
import type { Attributes } from "../src/format";
import type { Run } from "../src/run";
import { fromAddress, packIds, toAddress, unpackIds } from "../src/address";
import { changed, firstView, samePlace, type View } from "../src/state";

const step = (label: string) => ({ label, number: 1, accuracy: null, residual: null, angle: null });

const attributes = {
  n_images: 10,
  classes: ["a", "b", "c"],
  layers: [
    { key: "0", name: "low", grid: [4, 4] },
    { key: "1", name: "middle", grid: [2, 2] },
    { key: "2", name: "high", grid: [2, 2] },
  ],
  conditions: [
    {
      key: "training",
      name: "Training",
      kind: "training",
      steps: [step("0"), step("1"), step("2")],
      layers: ["0", "1", "2"],
      grids: { "0": [4, 4], "1": [2, 2], "2": [2, 2] },
      note: null,
    },
    {
      key: "attack",
      name: "Attack",
      kind: "attack",
      steps: [step("0"), step("1")],
      layers: ["0", "2"],
      grids: { "0": [4, 4], "2": [2, 2] },
      note: null,
    },
  ],
} as unknown as Attributes;

const run = {
  attributes,
  condition: (key: string) => attributes.conditions.find((each) => each.key === key),
  grid: (condition: string, layer: string) =>
    attributes.conditions.find((each) => each.key === condition)?.grids[layer],
} as unknown as Run;

const first = firstView(run);

describe("a view", () => {
  it("begins at the deepest layer and the last checkpoint", () => {
    expect([first.layer, first.step, first.condition]).toEqual(["2", 2, "training"]);
  });

  it("is made possible", () => {
    expect(changed(run, first, { step: 99 }).step).toBe(2);
    expect(changed(run, first, { step: -1 }).step).toBe(0);
    expect(changed(run, first, { step: Number.NaN }).step).toBe(0);
    expect(changed(run, first, { condition: "gone" }).condition).toBe("training");
    expect(changed(run, first, { selection: [0, 39, 40, -1, 1.5] }).selection).toEqual([0, 39]);
    expect(changed(run, first, { colour: "path" }).colour).toBe("true");
    expect(changed(run, first, { filter: { classes: [2, 7], points: "all", path: 3 } }).filter).toEqual({
      classes: [2],
      points: "all",
      path: 0,
    });
  });

  it("changes by what was chosen before, too", () => {
    const back = changed(run, first, ({ step }) => ({ step: step - 1 }));
    expect([back.step, changed(run, back, ({ step }) => ({ step: step - 1 })).step]).toEqual([1, 0]);
  });

  it("takes the nearest layer and the last step of another condition", () => {
    const middle = changed(run, first, { layer: "1", step: 1 });
    const attacked = changed(run, middle, { condition: "attack" });
    expect(["0", "2"]).toContain(attacked.layer);
    expect(attacked.step).toBe(1);
    expect(changed(run, middle, { condition: "attack", step: 0 }).step).toBe(0);
  });

  it("keeps the place of what is chosen in another layer's grid", () => {
    const chosen = changed(run, first, { selection: [3 * 4 + 3] });
    const [id] = changed(run, chosen, { layer: "0" }).selection;
    expect([Math.floor(id / 16), Math.floor((id % 16) / 4), id % 4]).toEqual([3, 3, 3]);
    expect(samePlace(id, [4, 4], [2, 2])).toBe(15);
    expect(changed(run, chosen, { space: "images" }).selection).toEqual([]);
  });
});

describe("the address", () => {
  it("keeps a view", () => {
    const view: View = {
      ...changed(run, first, {
        condition: "attack",
        image: 4,
        selection: [1, 2, 3, 17],
        importance: true,
        colour: "path",
      }),
      filter: { classes: [0, 2], points: "reliable", path: 4 },
      camera: { azimuth: 1.25, elevation: -0.5, zoom: 2, panX: 0.125, panY: 0 },
    };
    expect(changed(run, first, fromAddress(`#${toAddress(view)}`))).toEqual(view);
    expect(changed(run, first, fromAddress(toAddress(first)))).toEqual(first);
  });

  it("leaves out what is not understood", () => {
    expect(fromAddress("#step=-3&colour=loud&space=outer&camera=1_2&image=x&selection=&other=1")).toEqual({
      selection: [],
    });
  });

  it("packs ids", () => {
    for (const ids of [[], [0], [5, 6, 7, 8, 4000], [999999, 1, 0, 3]])
      expect(unpackIds(packIds(ids))).toEqual([...ids].sort((a, b) => a - b));
    expect(packIds(Array.from({ length: 98000 }, (_, id) => id)).length).toBeLessThan(10);
  });
});
