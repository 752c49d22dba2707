import { describe, expect, it } from "vitest";
import { sortByEmergence } from "../src/data/findings";
import type { Condition } from "../src/data/format";
import { formatP, formatProbability, joinWords } from "../src/panels/formatting";
import { findImages } from "../src/panels/image_search";
import { outlinePath, outlines } from "../src/panels/outlines";
import { quote } from "../src/panels/points_csv";
import { classSentence, layerSentence } from "../src/panels/sentences";

describe("outlines", () => {
  const around = (mask: string[]) =>
    outlines(mask.length, mask[0].length, (row, column) => mask[row][column] === "#", 0.25);

  it("go around one cell", () => {
    expect(around(["#"])).toEqual([
      [
        [0.25, 0.25],
        [0.75, 0.25],
        [0.75, 0.75],
        [0.25, 0.75],
        [0.25, 0.25],
      ],
    ]);
  });

  it("join neighbours, keep corners apart, go around holes", () => {
    expect(around(["##", "##"])).toHaveLength(1);
    expect(around(["#.", ".#"])).toHaveLength(2);
    expect(around(["###", "#.#", "###"])).toHaveLength(2);
    expect(around(["..", ".."])).toEqual([]);
  });

  it("enclose the area of their cells less the inset", () => {
    const lines = around(["##.", ".##", "..#"]);
    const area = lines.reduce(
      (sum, line) =>
        sum +
        line
          .slice(1)
          .reduce((part, [x, y], corner) => part + (line[corner][0] * y - x * line[corner][1]) / 2, 0),
      0,
    );
    const inset = 0.25;
    // Five cells in a row of turns: twelve sides of length one lose a strip, corners are counted once.
    expect(area).toBeGreaterThan(5 - 12 * inset);
    expect(area).toBeLessThan(5 - 12 * inset + 12 * inset * inset);
    expect(outlinePath(lines, 10, 10)).toMatch(/^M[\d. L]+Z$/);
  });
});

describe("sentences", () => {
  const counts = (reliable: number) => ({
    total: { value: 9, low: 8, high: 10 },
    reliable: { value: reliable, low: reliable - 0.5, high: reliable + 0.5 },
    ratio: { value: 0.5, low: 0.4, high: 0.6 },
  });

  it("name the layer with the most reliable points", () => {
    expect(layerSentence(["low", "high"], [counts(2), counts(6.7)], "step 9")).toBe(
      "Step 9: high has the most reliable points, 6.7 per image (95 % interval 6.2–7.2).",
    );
    expect(layerSentence(["low", "high"], [counts(0), counts(0)], "step 9")).toContain("no layer");
    expect(layerSentence(["low"], [counts(Number.NaN)], "step 9")).toContain("no layer");
  });

  it("name the class that emerges first, by its points among those of one step", () => {
    const labels = ["step 0", "step 10", "step 20"];
    const names = ["bus", "car", "dog", "cat"];
    const describeOrder = (first: number[], points: number[] = [0, 0, 0, 0]) => {
      const order = sortByEmergence(first, (label) => points[label]);
      const training = { steps: labels.map((label) => ({ label })) } as Condition;
      return [order, classSentence("high", names, { training, order, first, reliable: () => 0 })] as const;
    };
    const [order, sentence] = describeOrder([2, 0.5, Number.NaN, 1]);
    expect(order).toEqual([1, 3, 0, 2]);
    expect(sentence).toBe(
      "In high, car emerges first: half of its images have a reliable point from step 10 on.",
    );
    const [equal, both] = describeOrder([1, 1, 2, 1], [3, 5, 9, 4]);
    expect(equal).toEqual([1, 3, 0, 2]);
    expect(both).toContain("car emerges first");
    expect(both).toContain("At the same step, with fewer points: cat and bus.");
    expect(describeOrder([Number.NaN, Number.NaN, Number.NaN, Number.NaN])[1]).toContain("no class emerges");
    expect(joinWords(["a", "b", "c"])).toBe("a, b and c");
  });
});

describe("texts", () => {
  it("round probabilities to 0 and 1 only where they are", () => {
    expect([1, 0.999, 0.93, 0.001, 0].map(formatProbability)).toEqual([
      "1.00",
      "> 0.99",
      "0.93",
      "< 0.01",
      "0.00",
    ]);
    expect(formatP(0.5)).toBe("p\u00a0=\u00a00.50");
  });

  it("find images", () => {
    const names = Array.from({ length: 30 }, (_, index) => `dog/${index}.png`).concat("cat/x.png");
    expect(findImages(names, "17")).toEqual([17]);
    expect(findImages(names, "2").slice(0, 3)).toEqual([2, 20, 21]);
    expect(findImages(names, "CAT")).toEqual([30]);
    expect(findImages(names, "bus")).toEqual([]);
  });

  it("quote cells of CSV", () => {
    expect(quote('a "b", c')).toBe('"a ""b"", c"');
  });
});
