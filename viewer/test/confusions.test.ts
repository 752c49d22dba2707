import { describe, expect, it } from "vitest";
import { changeOf, meanBits, mostChanged, turnedMost, type ComparedLayer } from "../src/data/comparison";
import {
  countConfusions,
  largestConfusions,
  pairRow,
  partingStep,
  shareAt,
  type PairRow,
  type Predictions,
} from "../src/data/confusions";
import type { Condition } from "../src/data/format";
import type { Frame } from "../src/data/frame";
import { ratioOf } from "../src/data/intervals";
import { nearestRegions } from "../src/data/nearest";
import { comparisonHeadline } from "../src/panels/comparison";
import { pairSentence } from "../src/panels/confusion_pair";
import { placeEnds } from "../src/panels/line_chart";
import { drawnClasses } from "../src/panels/region_curves";

// Three images of two regions; nothing is known of the last image, of class 1.
const labels = Uint16Array.of(0, 0, 1);
const temperature = Float32Array.of(1, 1, Infinity);
const predictions: Predictions = {
  category: Uint8Array.of(0, 1, 1, 1, 0, 1),
  knowledge: Uint8Array.of(3, 1, 0, 0, 0, 0),
  temperatures: { weak: temperature, strong: temperature, unit: Float32Array.of(1, 1, 1) },
  regions: 2,
};

describe("confusions", () => {
  const all = countConfusions(predictions, labels, 2, "regions");

  it("count what the regions of each class predict, none for images of which nothing is known", () => {
    expect([...all.counts]).toEqual([1, 3, 0, 0]);
    expect([...all.totals]).toEqual([4, 2]);
    expect([shareAt(all, 0, 1), shareAt(all, 1, 0)]).toEqual([0.75, 0]);
    const points = countConfusions(predictions, labels, 2, "points");
    expect([...points.counts]).toEqual([1, 1, 0, 0]);
    expect(shareAt(points, 1, 1)).toBeNaN();
  });

  it("are listed from the largest, without what is right", () => {
    expect(largestConfusions(all, 5)).toEqual([{ truth: 0, predicted: 1, share: 0.75 }]);
  });

  it("of two classes have intervals over images, and are unknown where no class is predicted", () => {
    const row = pairRow(predictions, labels, [0, 1], "regions", 4);
    expect(row.step).toBe(4);
    expect(row.taken.value).toBe(0.75);
    expect(row.own[0].value).toBe(0.25);
    expect(row.own[1].value).toBeNaN();
    expect(row.enough).toBe(false);
    expect(pairRow(predictions, labels, [1, 0], "regions", 0).taken.value).toBeNaN();
  });
});

describe("intervals", () => {
  it("of a ratio are those of the linearised ratio over images", () => {
    const { value, low, high } = ratioOf([
      [1, 4],
      [3, 4],
    ]);
    // Residuals of -1 and 1 of 8 regions: a standard error of sqrt(2 * 2 / 1) / 8.
    expect(value).toBe(0.5);
    expect(high - value).toBeCloseTo((1.96 * 2) / 8, 12);
    expect(value - low).toBeCloseTo((1.96 * 2) / 8, 12);
    expect(ratioOf([]).value).toBeNaN();
    expect(ratioOf([[1, 2]]).low).toBeNaN();
  });

  it("of evidence are over the compared images", () => {
    const count = meanBits(Int16Array.of(100, 200, -900, -900), 0.01, 2, (image) => image === 0);
    expect(count.value).toBeCloseTo(1.5, 12);
  });
});

const share = (value: number) => ({ value, low: value - 0.05, high: value + 0.05 });
const row = (step: number, one: number, other: number, enough = true): PairRow => ({
  step,
  taken: share(1 - one),
  own: [share(one), share(other)],
  enough,
});

describe("two classes part", () => {
  const training = {
    kind: "training",
    steps: [0, 10, 20].map((number) => ({ label: `step ${number}`, number })),
  } as Condition;
  const layer = (name: string, rows: PairRow[]) => ({
    layer: { key: name, name, grid: [1, 1] as [number, number] },
    rows,
  });

  it("at the first step from which on both are apart, to the end", () => {
    expect(partingStep([row(0, 0.9, 0.9), row(1, 0.9, 0.5), row(2, 0.8, 0.75)])).toBe(2);
    expect(partingStep([row(0, 0.9, 0.9), row(1, 0.9, 0.9)])).toBe(0);
    expect(partingStep([row(0, 0.9, 0.9), row(1, 0.9, 0.74)])).toBeNull();
    expect(partingStep([row(0, 0.9, 0.9, false)])).toBeNull();
    expect(partingStep([row(0, 0.9, Number.NaN)])).toBeNull();
  });

  it("in a sentence that names step, layer and rule", () => {
    const text = pairSentence(
      [
        layer("low", [row(0, 0.5, 0.5), row(1, 0.5, 0.5), row(2, 0.5, 0.5)]),
        layer("middle", [row(0, 0.5, 0.5), row(1, 0.5, 0.5), row(2, 0.9, 0.9)]),
        layer("high", [row(0, 0.5, 0.5), row(1, 0.9, 0.9), row(2, 0.9, 0.9)]),
      ],
      training,
      ["cat", "dog"],
    ).replaceAll("\u00a0", " ");
    expect(text).toMatch(
      /^cat and dog part in high at step 10\. Also in middle \(step 20\)\. Not in low\. Rule: /,
    );
    expect(text).toContain("at least 75 %");
    const never = pairSentence([layer("low", [row(2, 0.6, 0.7)])], training, ["cat", "dog"]);
    expect(never).toContain("cat and dog part in no layer");
    expect(never.replaceAll("\u00a0", " ")).toContain("low comes nearest, with 60 % at the end");
  });

  it("in a comparison, where most is taken for the other class", () => {
    const attack = { ...training, kind: "attack" } as Condition;
    const text = pairSentence(
      [layer("low", [row(0, 0.9, 1), row(2, 0.8, 1)]), layer("high", [row(0, 0.9, 1), row(2, 0.2, 1)])],
      attack,
      ["cat", "dog"],
    ).replaceAll("\u00a0", " ");
    expect(text).toMatch(/^cat taken for dog changes most in high: 10 % .* at step 0, 80 % .* at step 20\.$/);
  });
});

describe("a comparison", () => {
  const compared = (name: string, first: number, last: number): ComparedLayer => {
    const counts = (value: number) => ({ total: share(40), reliable: share(value), ratio: share(1) });
    const step = (value: number) => ({ name: "", counts: counts(value), bits: null });
    return { layer: { key: name, name, grid: [1, 1] }, steps: [step(first), step(5), step(last)] };
  };

  it("is headed by the layer that changes most, not by the deepest", () => {
    const layers = [compared("low", 10.4, 0.3), compared("high", 1.1, 0.5)];
    expect(changeOf(layers[0])).toBeCloseTo(-10.1, 12);
    expect(mostChanged(layers)?.layer.name).toBe("low");
    expect(mostChanged([])).toBeNull();
    const headline = comparisonHeadline(layers, { kind: "attack", name: "Attack" } as Condition);
    expect(headline).toContain("The attack changes low most: 10.4 (");
    expect(headline).toContain("become 0.30 (");
    const student = comparisonHeadline(layers, { kind: "model", name: "Student (logits)" } as Condition);
    expect(student).toContain("Student (logits) differs from its teacher most in low");
  });

  it("finds the region that turned most, among knowledge points before and after", () => {
    const frame = (all: number[], knowledge: number[]) =>
      ({
        regions: 3,
        knowledge: Uint8Array.from(knowledge),
        region: { all: Int16Array.from(all), dimensions: 2 },
      }) as unknown as Frame;
    const before = frame([10, 0, 10, 0, 10, 0], [1, 3, 1]);
    const after = frame([0, 10, 7, 7, -10, 0], [1, 1, 0]);
    const turn = turnedMost(before, after);
    expect(turn?.id).toBe(0);
    expect(turn?.angle).toBeCloseTo(90, 6);
    expect(turnedMost(before, after, (id) => id > 0)?.angle).toBeCloseTo(45, 6);
    expect(turnedMost(before, frame([], []), () => false)).toBeNull();
  });
});

describe("one region", () => {
  it("has the nearest regions of other images in all dimensions, one of each", () => {
    const all = Int16Array.of(0, 0, 1, 0, 9, 9, 3, 0, 0, 2, 9, 0);
    const frame = { regions: 2, region: { all, dimensions: 2 } } as unknown as Frame;
    expect(nearestRegions(frame.region, frame.regions, 0, 12)).toEqual([4, 3]);
    expect(nearestRegions(frame.region, frame.regions, 0, 1)).toEqual([4]);
  });

  it("always draws the true class, the decision and the final winner, and three classes at least", () => {
    expect(drawnClasses([4, 2, 3], [0, 1, 2, 3, 4])).toEqual([4, 2, 3, 0]);
    expect(drawnClasses([0, 0, 0], [0, 1, 2])).toEqual([0, 1, 2]);
  });
});

describe("names at the ends of lines", () => {
  it("keep apart, inside and in order", () => {
    const heights = placeEnds([0, 0.01, 0, 1], [0, 1], 100);
    const pixels = heights.map((height) => 100 * (1 - height));
    const sorted = [...pixels].sort((one, other) => one - other);
    sorted.slice(1).forEach((pixel, index) => expect(pixel - sorted[index]).toBeGreaterThan(11.9));
    expect(Math.max(...pixels)).toBeLessThanOrEqual(100);
    expect(heights[3]).toBe(1);
    expect(heights[1]).toBeGreaterThan(heights[0]);
  });
});
