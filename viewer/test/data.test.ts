import { describe, expect, it } from "vitest";
import { addPixels } from "../src/data/attack_images";
import { fromPlanes } from "../src/data/planes";
import { countsAt } from "../src/data/findings";
import { AtlasError, checkAttributes } from "../src/data/format";
import { interpolateConcentration, posterior } from "../src/data/posterior";
import { fromText } from "../src/data/store";

describe("the attacked picture of a step", () => {
  it("is the clean one and what has changed, whose factor is taken out", () => {
    const pixels = Uint8ClampedArray.of(100, 250, 3, 255, 0, 10, 20, 255);
    addPixels(pixels, Uint8ClampedArray.of(128, 248, 8, 255, 113, 143, 128, 255), 15);
    expect([...pixels]).toEqual([100, 255, 0, 255, 0, 11, 20, 255]);
  });
});

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

  it("unfolds differences to the regions to the left and above", () => {
    // Two images of 2 x 2 regions in one dimension: 5 6 / 7 -2, and 300 300 / 300 -32768.
    const values = [5, 6, 7, -2, 300, 300, 300, -32768];
    const expected = [0, 5, 5, 6, 0, 300, 300, 300];
    const folded = values.map((value, at) => {
      const difference = ((value - expected[at]) << 16) >> 16;
      return (difference << 1) ^ (difference >> 31);
    });
    const planes = Uint8Array.from([
      ...folded.map((value) => value & 255),
      ...folded.map((value) => (value >> 8) & 255),
    ]);
    expect(Array.from(fromPlanes(planes, 1, [2, 2]))).toEqual(values);
    expect(Array.from(fromPlanes(Uint8Array.of(2, 4, 6, 3, 0, 0, 0, 0), 2, [1, 1]))).toEqual([1, 3, 2, -2]);
  });

  it("decodes base64", () => {
    expect(Array.from(fromText("AP8Q\n"))).toEqual([0, 255, 16]);
  });

  it("decodes base 85, also of lengths that are no multiples of four", () => {
    // Of Python: b":" + base64.b85encode(content).translate(bytes.maketrans(b"<", b",")).
    for (const [text, bytes] of [
      [":", []],
      [":009", [0, 1]],
      [":|NsC0", [255, 255, 255, 255]],
      [":009C7", [0, 1, 2, 4]],
    ] as [string, number[]][])
      expect(Array.from(fromText(text))).toEqual(bytes);
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
    expect(kind({ format: "patternscope-atlas", version: 4 })).toBe("version");
    expect(kind({ format: "patternscope-atlas", version: 1 })).toBe("damaged");
    expect(kind({ format: "patternscope-atlas", version: 2 })).toBe("damaged");
  });
});
