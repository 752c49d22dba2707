import { describe, expect, it } from "vitest";
import { isGap, nearestStep, stepPositions } from "../src/data/steps";
import { spread } from "../src/data/tiles";
import type { Condition } from "../src/data/format";
import { groupByStep, placeNames } from "../src/panels/map_names";

const numbered = (numbers: (number | null)[]) =>
  ({ steps: numbers.map((number) => ({ number })) }) as Pick<Condition, "steps">;

describe("the axis of steps", () => {
  it("has the true spacing of numbered steps, and an even one of others", () => {
    expect(stepPositions(numbered([0, 100, 1000]))).toEqual([0, 0.1, 1]);
    expect(stepPositions(numbered([0, null, 1000]))).toEqual([0, 0.5, 1]);
    expect(stepPositions(numbered([5, 5, 9]))).toEqual([0, 0.5, 1]);
    expect(stepPositions(numbered([7]))).toEqual([0.5]);
  });

  it("finds the nearest step, also beyond its ends", () => {
    expect([-1, 0.04, 0.06, 2].map((place) => nearestStep([0, 0.1, 1], place))).toEqual([0, 0, 1, 2]);
  });

  it("has a gap where points cannot be followed", () => {
    const step = { label: "", number: 0, accuracy: null, angle: 0 };
    expect([null, 0.2, 0.9].map((residual) => isGap({ ...step, residual }))).toEqual([false, false, true]);
  });

  it("shows some of many tiles, with both ends", () => {
    expect(spread(12, 4)).toEqual([0, 4, 7, 11]);
    expect(spread(3, 9)).toEqual([0, 1, 2]);
  });
});

describe("names of classes in the map", () => {
  const names = ["bus", "car", "cat", "dog", "frog"];
  const measure = (text: string) => 7 * text.length;
  const place = (first: number[], [left, right]: [number, number], lines: number) =>
    placeNames(
      groupByStep([0, 1, 2, 3, 4], first, (step) => 100 * step),
      names,
      [0, 14 * lines],
      [left, right],
      measure,
    );

  it("stand beside the step at which their classes emerge, and none where a class does not", () => {
    const groups = place([1, 1, 3, Number.NaN, 2.5], [0, 600], 3);
    expect(groups.map(({ x, names: own }) => [x, own.map(({ text }) => text)])).toEqual([
      [100, ["bus", "car"]],
      [300, ["cat", "frog"]],
    ]);
  });

  it("keep inside their room and count those that have none", () => {
    const groups = place([1, 1, 1, 1, 1], [60, 145], 1);
    expect(groups).toHaveLength(1);
    const { names: own } = groups[0];
    const shown = own.filter(({ label }) => label !== null).length;
    expect(own[own.length - 1].text).toBe(`+${5 - shown}`);
    for (const { text, x } of own) expect(x + measure(text)).toBeLessThanOrEqual(145);
  });

  it("are marks alone where these have room and names have none", () => {
    const groups = placeNames(
      [{ step: 1, x: 100, labels: [0, 1, 2, 3] }],
      ["a long name", "another one", "and a third", "a fourth one"],
      [0, 14],
      [60, 180],
      (text) => 7 * text.length,
    );
    const [{ names: own }] = groups;
    expect(own.map(({ text }) => text)).toEqual(["", "", "", ""]);
    expect(own.map(({ label }) => label)).toEqual([0, 1, 2, 3]);
    expect(own.map(({ x }) => x)).toEqual([104, 119, 134, 149]);
  });

  it("go to the left of their step where the right is too narrow", () => {
    const [group] = place([2, 2, 2, 3, 3], [0, 310], 1);
    expect(group.side).toBe(-1);
    expect(Math.max(...group.names.map(({ text, x }) => x + 11 + measure(text)))).toBeLessThanOrEqual(200);
  });
});
