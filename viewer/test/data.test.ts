import { describe, expect, it } from "vitest";
import { inThreeDimensions } from "../src/data/dimensions";
import { countsAt } from "../src/data/findings";
import { AtlasError, checkAttributes } from "../src/data/format";
import { interpolateConcentration, posterior } from "../src/data/posterior";
import { fromBase64 } from "../src/data/store";

describe("probabilities", () => {
  const q = interpolateConcentration([1, 0.5, 0.25], Math.E ** 2 - 1);

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
    const weights = [0.3, -1.2, 2, -2].map((cosine) => Math.exp(q(strength) * cosine));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    posterior(point, directions, q).forEach((p, label) => expect(p).toBeCloseTo(weights[label] / total, 12));
  });

  it("are divided by the temperature in the domain of logs, and all equal where it is infinite", () => {
    const point = [0.3, -1.2, 2];
    const directions = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, -1];
    const cool = posterior(point, directions, q);
    const warm = posterior(point, directions, q, 2.5);
    const weights = cool.map((p) => p ** (1 / 2.5));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    warm.forEach((p, label) => expect(p).toBeCloseTo(weights[label] / total, 12));
    expect(posterior(point, directions, q, Infinity)).toEqual([0.25, 0.25, 0.25, 0.25]);
  });

  it("stay finite where they are far apart", () => {
    const sharp = interpolateConcentration([1000, 1000], 10);
    expect(posterior([5, 0], [1, 0, -1, 0], sharp)).toEqual([1, 0]);
  });
});

describe("the store", () => {
  it("reads counts row by row", () => {
    const values = Float32Array.from({ length: 18 }, (_, index) => index);
    expect(countsAt(values, 1)).toEqual({
      total: { value: 9, low: 10, high: 11 },
      reliable: { value: 12, low: 13, high: 14 },
      ratio: { value: 15, low: 16, high: 17 },
    });
  });

  it("draws points of any dimension in three", () => {
    expect(Array.from(inThreeDimensions(Int16Array.of(1, 2, 3, 4), 2))).toEqual([1, 2, 0, 3, 4, 0]);
    expect(Array.from(inThreeDimensions(Int16Array.of(1, 2, 3, 4, 5, 6, 7, 8), 4))).toEqual([
      1, 2, 3, 5, 6, 7,
    ]);
  });

  it("decodes base64", () => {
    expect(Array.from(fromBase64("AP8Q\n"))).toEqual([0, 255, 16]);
  });

  it("refuses what is no atlas of this version", () => {
    const kind = (root: Record<string, unknown>) => {
      try {
        checkAttributes(root);
        return "fine";
      } catch (error) {
        return (error as AtlasError).kind;
      }
    };
    expect(kind({})).toBe("damaged");
    expect(kind({ format: "patternscope-atlas", version: 3 })).toBe("version");
    expect(kind({ format: "patternscope-atlas", version: 1 })).toBe("damaged");
    expect(kind({ format: "patternscope-atlas", version: 2 })).toBe("damaged");
  });
});
