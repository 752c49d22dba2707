import { describe, expect, it } from "vitest";
import { sortByEmergence } from "../src/data/findings";
import type { Condition } from "../src/data/format";
import {
  changeDigits,
  formatBits,
  formatChange,
  formatChangeCount,
  formatNumber,
  formatP,
  formatProbability,
  formatThreshold,
  joinWords,
  predictedClass,
} from "../src/panels/formatting";
import { chipsOf } from "../src/panels/facets";
import { NO_FILTER, type Filter } from "../src/state/facets";
import { findClasses, findImages } from "../src/panels/image_search";
import { outlinePath, outlines } from "../src/panels/outlines";
import { quote } from "../src/panels/points_csv";
import { classSentence, evidenceSentence, pointsSentence } from "../src/panels/sentences";

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
  const count = (value: number, half = 0.05) => ({ value, low: value - half, high: value + half });
  const layer = (name: string, bits: number, half?: number) => ({
    name,
    told: { evidence: count(bits, half), readable: count(1.5) },
  });
  const measured = { most: 3.32, against: "labels" } as const;
  const plain = (text: string) => text.replaceAll("\u00a0", " ");
  const evidence = (...given: Parameters<typeof evidenceSentence>) => plain(evidenceSentence(...given));

  it("name the layer with the most evidence, with its interval and what is readable", () => {
    expect(evidence([layer("low", 0.2), layer("high", 1.39)], "step 9", measured)).toBe(
      "Step 9: high has the most evidence, 1.39 (1.34 to 1.44) bits per region, of 1.50 (1.45 to 1.55) readable; " +
        "a region that is always correct has 3.32.",
    );
  });

  it("name no layer whose evidence is not above 0, or not above that of another", () => {
    const none = evidence([layer("low", -0.01), layer("high", 0.04)], "step 9", measured);
    expect(none).toBe(
      "Step 9: no layer has evidence above 0; the most is 0.04 (−0.01 to 0.09) bits in high.",
    );
    const level = evidence(
      [layer("low", 0.5), layer("middle", 0.1), layer("high", 0.55)],
      "step 9",
      measured,
    );
    expect(level).toContain("high and low have the most evidence, and their intervals overlap");
    expect(level).not.toContain("middle");
    const old = evidence([{ name: "high", told: null }], "step 9", null);
    expect(old).toContain("evidence was not measured");
    expect(old).not.toContain("high");
    const attacked = evidence([{ name: "high", told: null }], "step 9", measured);
    expect(attacked).toContain("only measured for the training");
    const decided = evidence([layer("low", 0.5)], "step 9", { most: 3, against: "decision" });
    expect(decided).toContain("for the network's own decision");
  });

  it("put chance beside the counts, or say that it was not measured", () => {
    const counts = (total: number) => ({ total: count(total), reliable: count(total), ratio: count(1, 0) });
    const told = { evidence: count(1.39), readable: count(1.5) };
    const say = (...given: Parameters<typeof pointsSentence>) => plain(pointsSentence(...given));
    expect(say("high", { ...counts(6.7), told }, null)).toBe(
      "high has 6.7 (6.7–6.8) knowledge points per image, 6.7 (6.7–6.8) reliable. Chance not measured.",
    );
    const found = { permuted: counts(0.5), untrained: counts(0.25) };
    expect(say("high", { ...counts(6.7), told }, { found, step: "step 9" })).toContain(
      "Chance (step 9): 0.50 (0.45–0.55) with permuted targets and 0.25 (0.20–0.30) in an untrained network.",
    );
    const doubtful = { ...counts(6.7), told: { ...told, evidence: count(0) } };
    expect(say("low", doubtful, null)).toContain("Its evidence is not above 0: they may be chance.");
    expect(say("low", { ...counts(0), told }, null)).toBe(
      "low has no knowledge points. Chance not measured.",
    );
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
      "In high, car emerges first: by step 10, half of its images have had a reliable point.",
    );
    const [equal, both] = describeOrder([1, 1, 2, 1], [3, 5, 9, 4]);
    expect(equal).toEqual([1, 3, 0, 2]);
    expect(both).toContain("car emerges first");
    expect(both).toContain("At the same step, with fewer points: cat and bus.");
    const training = { steps: labels.map((label) => ({ label })) } as Condition;
    const found = { training, order, first: [2, 0.5, Number.NaN, 1], reliable: () => 0 };
    expect(classSentence("high", names, found, "evidence")).toContain(
      "by step 10, half of its images have had evidence of it",
    );
    const alone = { ...found, training: { steps: [{ label: "as given" }] } as Condition };
    expect(classSentence("high", names, alone)).not.toMatch(/checkpoint|emerge/);
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

  it("write a threshold with at most three digits", () => {
    expect([0.40740740740740744, 0.4, 0.5].map(formatThreshold)).toEqual(["0.407", "0.4", "0.5"]);
  });

  it("write bits with their sign, and no negative zero", () => {
    expect([1.394, -0.5, -0.001, 0, Number.NaN].map(formatBits)).toEqual([
      "1.39",
      "−0.50",
      "0.00",
      "0.00",
      "–",
    ]);
  });

  it("have digits for small changes of evidence, and zero only where nothing has changed", () => {
    const plain = (text: string) => text.replaceAll("\u00a0", " ");
    const changes = (digits: number, ...values: number[]) =>
      values.map((value) => plain(formatChange(value, digits)));
    expect(changes(3, 0.0042, -0.0042, 1.3942, 0.0007, 0.0004, -0.0004)).toEqual([
      "0.004",
      "−0.004",
      "1.394",
      "0.001",
      "< 0.001",
      "> −0.001",
    ]);
    expect(changes(2, 0, -3e-17, 0.12, Number.NaN)).toEqual(["0", "0", "0.12", "–"]);
    const small = { value: 0.0042, low: -0.0011, high: 0.0094 };
    expect(plain(formatChangeCount(small, 3))).toBe("0.004 (−0.001 to 0.009)");
    expect(plain(formatChangeCount({ ...small, low: Number.NaN }, 3))).toBe("0.004 (–)");
  });

  it("have as many digits in a column of changes as tell the smallest from zero", () => {
    const count = (value: number, low = value, high = value) => ({ value, low, high });
    expect(changeDigits([count(0.12), count(-0.31)])).toBe(2);
    expect(changeDigits([count(0.12), count(-0.0042)])).toBe(3);
    // An end of an interval, too; not what is left of a sum, and not a missing end.
    expect(changeDigits([count(0.01, 0.004, 0.02)])).toBe(3);
    expect(changeDigits([count(0), count(1e-17), count(0.1, Number.NaN, Number.NaN)])).toBe(2);
    expect(changeDigits([])).toBe(2);
  });

  it("are 0 only where they are exactly that", () => {
    const numbers = [0, 0.0002, -0.0002, 0.0025, 0.2, 6.66, 123.4].map(formatNumber);
    expect(numbers.map((text) => text.replace("\u00a0", " "))).toEqual([
      "0",
      "< 0.001",
      "> -0.001",
      "0.003",
      "0.20",
      "6.7",
      "123",
    ]);
  });

  it("name no class where nothing is known of the image", () => {
    const frame = {
      regions: 2,
      temperatures: {
        weak: Float32Array.of(1, Infinity),
        strong: Float32Array.of(1, Infinity),
        unit: Float32Array.of(1, 1),
      },
      category: Uint8Array.of(0, 1, 0, 1),
    };
    expect([0, 1, 2, 3].map((id) => predictedClass(frame, id, ["cat", "dog"]))).toEqual([
      "cat",
      "dog",
      "no class",
      "no class",
    ]);
  });

  it("find images", () => {
    const names = Array.from({ length: 30 }, (_, index) => `dog/${index}.png`).concat("cat/x.png");
    expect(findImages(names, "17")).toEqual([17]);
    expect(findImages(names, "2").slice(0, 3)).toEqual([2, 20, 21]);
    expect(findImages(names, "CAT")).toEqual([30]);
    expect(findImages(names, "bus")).toEqual([]);
  });

  it("find classes, also of images whose regions predict another one", () => {
    const classes = ["bus", "car", "Cat", "same as car"];
    expect(findClasses(classes, " Bus ")).toEqual({ truth: 0, predicted: null });
    expect(findClasses(classes, "bus as car")).toEqual({ truth: 0, predicted: 1 });
    expect(findClasses(classes, "same as car as cat")).toEqual({ truth: 3, predicted: 2 });
    expect(findClasses(classes, "same as car")).toEqual({ truth: 3, predicted: null });
    for (const text of ["bu", "bus as", "bus as tram", "17"]) expect(findClasses(classes, text)).toBeNull();
  });

  it("name each facet on a chip, and remove it alone", () => {
    const filter: Filter = {
      ...NO_FILTER,
      classes: [0, 2],
      regions: [1],
      decided: "misclassified",
      bits: [0.5, null],
      flow: "changed",
      was: [2],
      pattern: 4,
    };
    const chips = chipsOf(filter, ["bus", "car", "cat"], { start: "under the attack", pattern: "ears" });
    expect(chips.map(({ text }) => text)).toEqual([
      "true class: bus",
      "true class: cat",
      "region predicts car",
      "was a point of cat",
      "image misclassified",
      "evidence ≥ 0.50 bits",
      "changed class under the attack",
      "pattern ears",
    ]);
    expect(chips[0].without).toEqual({ ...filter, classes: [2] });
    expect(chips[5].without).toEqual({ ...filter, bits: [null, null] });
    expect(chipsOf(NO_FILTER, [])).toEqual([]);
  });

  it("quote cells of CSV", () => {
    expect(quote('a "b", c')).toBe('"a ""b"", c"');
  });
});
