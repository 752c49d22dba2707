import { describe, expect, it } from "vitest";
import { classMarks, strengthColour } from "../src/colours";
import { countsAt, listed, emergenceOrder, probability, probabilityWords } from "../src/findings";
import { AtlasError, checkAttributes, type Condition } from "../src/format";
import { matches } from "../src/imagesearch";
import { placeLabels, shortened } from "../src/labels";
import { outlinePath, outlines } from "../src/outlines";
import { concentrationTable, posterior } from "../src/posterior";
import { threeOf } from "../src/dimensions";
import { fromBase64 } from "../src/store";
import { classSentence, layerSentence } from "../src/sentences";
import { quoted } from "../src/tables";

describe("probabilities", () => {
  const q = concentrationTable([1, 0.5, 0.25], Math.E ** 2 - 1);

  it("read the table linearly in log(1 + l)", () => {
    expect(q(0)).toBe(1);
    expect(q(Math.E - 1)).toBeCloseTo(0.5, 12);
    expect(q(Math.exp(0.5) - 1)).toBeCloseTo(0.75, 12);
    expect(q(1e9)).toBe(0.25);
  });

  it("are a softmax of q(l) <x, mu>", () => {
    const point = [0.3, -1.2, 2];
    const directions = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, -1];
    const strength = Math.hypot(...point);
    const weights = [0.3, -1.2, 2, -2].map((each) => Math.exp(q(strength) * each));
    const total = weights.reduce((sum, each) => sum + each, 0);
    posterior(point, directions, q).forEach((p, each) => expect(p).toBeCloseTo(weights[each] / total, 12));
  });

  it("stay finite where they are far apart", () => {
    const sharp = concentrationTable([1000, 1000], 10);
    expect(posterior([5, 0], [1, 0, -1, 0], sharp)).toEqual([1, 0]);
  });

  it("are written as what they are", () => {
    expect([1, 0.999, 0.93, 0.001, 0].map(probability)).toEqual(["1.00", "> 0.99", "0.93", "< 0.01", "0.00"]);
    expect(probabilityWords(0.5)).toBe("p\u00a0=\u00a00.50");
  });
});

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
        line.slice(1).reduce((part, [x, y], each) => part + (line[each][0] * y - x * line[each][1]) / 2, 0),
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
      "At step 9, high has the most reliable points: 6.7 an image (95 % interval 6.2 to 7.2).",
    );
    expect(layerSentence(["low", "high"], [counts(0), counts(0)], "step 9")).toContain("no layer");
    expect(layerSentence(["low"], [counts(Number.NaN)], "step 9")).toContain("no layer");
  });

  it("name the class that emerges first, by its points among those of one step", () => {
    const labels = ["step 0", "step 10", "step 20"];
    const names = ["bus", "car", "dog", "cat"];
    const told = (first: number[], points: number[] = [0, 0, 0, 0]) => {
      const order = emergenceOrder(first, (each) => points[each]);
      const training = { steps: labels.map((label) => ({ label })) } as Condition;
      return [order, classSentence("high", names, { training, order, first, reliable: () => 0 })] as const;
    };
    const [order, sentence] = told([2, 0.5, Number.NaN, 1]);
    expect(order).toEqual([1, 3, 0, 2]);
    expect(sentence).toBe(
      "In high, car emerges first: half of its images have a reliable point from step 10 on.",
    );
    const [equal, both] = told([1, 1, 2, 1], [3, 5, 9, 4]);
    expect(equal).toEqual([1, 3, 0, 2]);
    expect(both).toContain("car emerges first");
    expect(both).toContain("At the same step, with fewer points: cat and bus.");
    expect(told([Number.NaN, Number.NaN, Number.NaN, Number.NaN])[1]).toContain("no class emerges");
    expect(listed(["a", "b", "c"])).toBe("a, b and c");
  });

  it("read counts row by row", () => {
    const values = Float32Array.from({ length: 18 }, (_, each) => each);
    expect(countsAt(values, 1)).toEqual({
      total: { value: 9, low: 10, high: 11 },
      reliable: { value: 12, low: 13, high: 14 },
      ratio: { value: 15, low: 16, high: 17 },
    });
  });
});

describe("names", () => {
  const measure = (text: string) => 7 * text.length;

  it("keep apart and inside", () => {
    const box = { left: 0, top: 0, width: 300, height: 300 };
    const labels = Array.from({ length: 12 }, (_, each) => ({
      x: 150 + 60 * Math.cos(each),
      y: 150 + 60 * Math.sin(each),
      width: 60,
      height: 14,
    }));
    const places = placeLabels(labels, [150, 150], box);
    places.forEach(([x, y], one) => {
      expect(x).toBeGreaterThanOrEqual(30);
      expect(y).toBeLessThanOrEqual(293);
      for (const [otherX, otherY] of places.slice(0, one))
        expect(Math.abs(x - otherX) >= 59.9 || Math.abs(y - otherY) >= 13.9).toBe(true);
    });
  });

  it("are cut in the middle", () => {
    expect(shortened("cat", 70, measure)).toBe("cat");
    const cut = shortened("a class with a long name 17", 70, measure);
    expect(cut).toMatch(/^a cla.*….*17$/);
    expect(measure(cut)).toBeLessThanOrEqual(70);
  });

  it("find images", () => {
    const names = Array.from({ length: 30 }, (_, each) => `dog/${each}.png`).concat("cat/x.png");
    expect(matches(names, "17")).toEqual([17]);
    expect(matches(names, "2").slice(0, 3)).toEqual([2, 20, 21]);
    expect(matches(names, "CAT")).toEqual([30]);
    expect(matches(names, "bus")).toEqual([]);
  });
});

describe("small things", () => {
  it("give each of ten classes a colour, and a shape to each ten", () => {
    const marks = classMarks(40);
    expect(new Set(marks.map(({ colour, shape }) => `${colour}${shape}`)).size).toBe(40);
    expect(marks[11].colour).toBe(marks[1].colour);
    expect(strengthColour(-1)).toEqual(strengthColour(0));
  });

  it("put points of any dimensions into space", () => {
    expect(Array.from(threeOf(Int16Array.of(1, 2, 3, 4), 2))).toEqual([1, 2, 0, 3, 4, 0]);
    expect(Array.from(threeOf(Int16Array.of(1, 2, 3, 4, 5, 6, 7, 8), 4))).toEqual([1, 2, 3, 5, 6, 7]);
  });

  it("decode and quote", () => {
    expect(Array.from(fromBase64("AP8Q\n"))).toEqual([0, 255, 16]);
    expect(quoted('a "b", c')).toBe('"a ""b"", c"');
  });

  it("refuse what is no atlas of this version", () => {
    const kind = (found: Record<string, unknown>) => {
      try {
        checkAttributes(found);
        return "fine";
      } catch (error) {
        return (error as AtlasError).kind;
      }
    };
    expect(kind({})).toBe("damaged");
    expect(kind({ format: "patternscope-atlas", version: 2 })).toBe("version");
    expect(kind({ format: "patternscope-atlas", version: 1 })).toBe("damaged");
  });
});
