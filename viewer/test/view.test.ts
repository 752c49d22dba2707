import { describe, expect, it } from "vitest";
import type { Atlas } from "../src/data/atlas";
import type { Attributes } from "../src/data/format";
import { fromAddress, packIds, toAddress, unpackIds } from "../src/state/address";
import cases from "../../tests/figures/named_marks.json";
import { FRONT } from "../src/state/camera";
import { classMarks, namedMarks, strengthColour } from "../src/state/colours";
import { NO_FILTER } from "../src/state/facets";
import { applyChanges, firstView, samePlace, type View } from "../src/state/view";

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

const atlas = {
  attributes,
  has: (path: string) => /\/training\/bits$|\/attack\/outcome$/.test(path),
  condition: (key: string) => attributes.conditions.find((candidate) => candidate.key === key),
  grid: (condition: string, layer: string) =>
    attributes.conditions.find(({ key }) => key === condition)?.grids[layer],
} as unknown as Atlas;

const first = firstView(atlas);

describe("a view", () => {
  it("begins at the deepest layer and the last checkpoint", () => {
    expect([first.layer, first.step, first.condition]).toEqual(["2", 2, "training"]);
  });

  it("is kept valid", () => {
    expect(applyChanges(atlas, first, { step: 99 }).step).toBe(2);
    expect(applyChanges(atlas, first, { step: -1 }).step).toBe(0);
    expect(applyChanges(atlas, first, { step: Number.NaN }).step).toBe(0);
    expect(applyChanges(atlas, first, { condition: "gone" }).condition).toBe("training");
    expect(applyChanges(atlas, first, { selection: [0, 39, 40, -1, 1.5] }).selection).toEqual([0, 39]);
    expect(applyChanges(atlas, first, { colour: "path" }).colour).toBe("true");
    expect(applyChanges(atlas, first, { colour: "evidence" }).colour).toBe("evidence");
    expect(applyChanges(atlas, first, { colour: "evidence", condition: "attack" }).colour).toBe("knowledge");
    expect(applyChanges(atlas, first, { colour: "evidence", space: "images" }).colour).toBe("true");
    const filter = { ...NO_FILTER, classes: [2, 7], path: 3, stable: true };
    expect(applyChanges(atlas, first, { filter }).filter).toEqual({ ...NO_FILTER, classes: [2] });
    expect(applyChanges(atlas, first, { filter: NO_FILTER }).filter).toBe(NO_FILTER);
  });

  it("colours a comparison by what is predicted, unless another colour was chosen", () => {
    const attacked = applyChanges(atlas, first, { condition: "attack" });
    expect(attacked.colour).toBe("knowledge");
    expect(applyChanges(atlas, attacked, { space: "images" }).colour).toBe("predicted");
    expect(applyChanges(atlas, attacked, { condition: "training" }).colour).toBe("true");
    const chosen = applyChanges(atlas, first, { colour: "strength" });
    expect(applyChanges(atlas, chosen, { condition: "attack" }).colour).toBe("strength");
  });

  it("keeps its facets when the colour changes", () => {
    const filter = { ...NO_FILTER, classes: [1], regions: [2], decided: "misclassified" as const };
    const filtered = applyChanges(atlas, first, { filter });
    for (const colour of ["predicted", "knowledge", "reliability"] as const)
      expect(applyChanges(atlas, filtered, { colour }).filter).toBe(filter);
  });

  it("changes relative to the view before, too", () => {
    const back = applyChanges(atlas, first, ({ step }) => ({ step: step - 1 }));
    expect([back.step, applyChanges(atlas, back, ({ step }) => ({ step: step - 1 })).step]).toEqual([1, 0]);
  });

  it("takes the nearest layer and the last step of another condition", () => {
    const middle = applyChanges(atlas, first, { layer: "1", step: 1 });
    const attacked = applyChanges(atlas, middle, { condition: "attack" });
    expect(["0", "2"]).toContain(attacked.layer);
    expect(attacked.step).toBe(1);
    expect(applyChanges(atlas, middle, { condition: "attack", step: 0 }).step).toBe(0);
  });

  it("keeps the place of a selection in another layer's grid", () => {
    const selected = applyChanges(atlas, first, { selection: [3 * 4 + 3] });
    const [id] = applyChanges(atlas, selected, { layer: "0" }).selection;
    expect([Math.floor(id / 16), Math.floor((id % 16) / 4), id % 4]).toEqual([3, 3, 3]);
    expect(samePlace(id, [4, 4], [2, 2])).toBe(15);
    expect(applyChanges(atlas, selected, { space: "images" }).selection).toEqual([]);
  });
});

describe("the address", () => {
  it("keeps a view", () => {
    const view: View = {
      ...applyChanges(atlas, first, {
        condition: "attack",
        image: 4,
        selection: [1, 2, 3, 17],
        importance: true,
        colour: "path",
      }),
      filter: {
        classes: [0, 2],
        regions: [1],
        decisions: [2],
        was: [1, 2],
        decided: "correct",
        points: "reliable",
        stable: false,
        bits: [null, null],
        outcome: "succeeded",
        flow: "changed",
        since: "first",
        pattern: 0,
        path: 4,
        outside: true,
      },
      sort: "wrong",
      page: 2,
      alike: "feature",
      camera: { ...FRONT, azimuth: 1.25, elevation: -0.5, zoom: 2, panX: 0.125, classes: [2, 0] },
    };
    expect(applyChanges(atlas, first, fromAddress(`#${toAddress(view)}`))).toEqual(view);
    const axes = [
      [0.6, 0.8, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ];
    for (const camera of [
      { ...FRONT, axes },
      { ...FRONT, axes, classes: [1] },
    ])
      expect(fromAddress(toAddress({ ...view, camera })).camera).toEqual(camera);
    expect(applyChanges(atlas, first, fromAddress(toAddress(first)))).toEqual(first);
    const bounded = { ...first, filter: { ...NO_FILTER, bits: [-0.5, null] as [number, null] } };
    expect(applyChanges(atlas, first, fromAddress(toAddress(bounded)))).toEqual(bounded);
  });

  it("opens earlier links, which filtered by the class that their colours showed", () => {
    const filterOf = (link: string) => fromAddress(link).filter;
    expect(filterOf("#classes=0.2&points=reliable")).toEqual({
      ...NO_FILTER,
      classes: [0, 2],
      points: "reliable",
    });
    expect(filterOf("#colour=predicted&classes=1")).toEqual({ ...NO_FILTER, decisions: [1] });
    expect(filterOf("#colour=knowledge&classes=1")).toEqual({ ...NO_FILTER, regions: [1] });
    expect(filterOf("#colour=knowledge&true=1")).toEqual({ ...NO_FILTER, classes: [1] });
    expect(fromAddress("#condition=attack&layer=0").colour).toBe("true");
    expect(filterOf("#layer=0")).toBeUndefined();
  });

  it("ignores what is unknown or invalid", () => {
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

describe("marks", () => {
  it("give each of ten classes a colour, and a shape to each ten", () => {
    const marks = classMarks(40);
    expect(new Set(marks.map(({ colour, shape }) => `${colour}${shape}`)).size).toBe(40);
    expect(marks[11].colour).toBe(marks[1].colour);
    expect(strengthColour(-1)).toEqual(strengthColour(0));
  });

  it("are those of the figures for the same names", () => {
    for (const { names, colours } of cases)
      expect(namedMarks(names).map(({ colour }) => colour)).toEqual(colours);
  });
});
