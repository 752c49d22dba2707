import { describe, expect, it } from "vitest";
import { isGap, nearestStep, stepPositions } from "../src/data/steps";
import { spread } from "../src/data/tiles";
import type { LayerCounts } from "../src/data/findings";
import type { Condition } from "../src/data/format";
import { groupByStep, placeNames } from "../src/panels/map_names";
import { mapGeometry, skylineOf, type Skyline } from "../src/panels/map_rows";

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

  it("leave the line of a step alone where not even their number has room", () => {
    const crowded = [1, 1.08, 1.16, 1.24, 1.32].map((first) => 100 * first);
    const groups = placeNames(
      crowded.map((x, step) => ({ step, x, labels: [0, 1, 2, 3, 4] })),
      names,
      [0, 14],
      [60, 145],
      measure,
    );
    expect(groups.map(({ x }) => x)).toEqual(crowded);
    expect(groups.flatMap(({ names: own }) => own)).not.toEqual([]);
    for (const [index, { x, names: own }] of groups.entries())
      for (const name of own) {
        const end = name.x + (name.label === null ? measure(name.text) : 11 + measure(name.text));
        const [before, next] = [groups[index - 1]?.x ?? 60, groups[index + 1]?.x ?? 145];
        expect(name.x).toBeGreaterThanOrEqual(name.x < x ? before : x);
        expect(end).toBeLessThanOrEqual(name.x < x ? x : next);
      }
  });

  it("keep above the curves in all lines but the first, which no curve reaches", () => {
    const group = { step: 1, x: 100, labels: [0, 1, 2, 3, 4] };
    const placed = (skyline: Skyline, right = 190) =>
      placeNames([group], names, [0, 56], [60, right], measure, skyline)[0].names;
    const lines = (own: { y: number }[]) => new Set(own.map(({ y }) => y)).size;
    const low: Skyline = [
      [0, 90],
      [400, 90],
    ];
    expect(lines(placed([]))).toBe(3);
    expect(placed(low)).toEqual(placed([]));
    // Curves that rise from the foot to the end of the first line, some soon, some late.
    const rising = Array.from({ length: 30 }, (_, index): Skyline => [
      [0, 90],
      [100, 90],
      [130 + 10 * index, 17],
    ]);
    for (const skyline of rising) {
      const [, , [summit]] = skyline;
      for (const { text, label, x, y } of placed(skyline).filter((name) => name.y > 14)) {
        const end = x + measure(text) + (label === null ? 0 : 11);
        expect(90 - (73 * (end - 100)) / (summit - 100)).toBeGreaterThanOrEqual(y + 3);
      }
    }
    expect(new Set(rising.map((skyline) => lines(placed(skyline))))).toEqual(new Set([1, 3]));
    const high: Skyline = [
      [0, 17],
      [400, 17],
    ];
    expect(lines(placed(high))).toBe(1);
  });
});

describe("the rows of the map", () => {
  const count = (value: number) => ({ value, low: value - 0.1, high: value + 0.1 });
  const layer = (evidence: number[], readable: number[]) =>
    ({
      rows: evidence.map((value, step) => ({
        step,
        told: { evidence: count(value), readable: count(readable[step]) },
        total: count(5 * step),
        reliable: count(2 * step),
      })),
      chance: null,
    }) as unknown as LayerCounts;
  const layers = [layer([-0.3, 2, 3], [0, 2.5, 3.2]), layer([0, 0.1, 0.2], [0, 0.4, 0.3])];

  it.each([366, 1248])("have a line for names above their curves, %i pixels wide", (width) => {
    const { bands, axis } = mapGeometry(layers, numbered([0, 100, 1000]) as Condition, width, 380);
    for (const [row, band] of bands.entries()) {
      const skyline = skylineOf(layers[row], band, axis);
      expect(skyline.map(([x]) => x)).toEqual(axis.positions.map((place) => axis.left + place * axis.width));
      for (const [, y] of skyline) expect(y).toBeGreaterThanOrEqual(band.names[0] + 14 + 2);
    }
    // The highest curve of all ends there, with its interval or what is readable.
    const highest = Math.min(...skylineOf(layers[0], bands[0], axis).map(([, y]) => y));
    expect(highest).toBeCloseTo(bands[0].evidence(3.2), 9);
  });
});
