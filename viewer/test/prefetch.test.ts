import { describe, expect, it } from "vitest";
import type { Frame } from "../src/data/frame";
import { nearestSteps } from "../src/data/prefetch";

function frame(step: number, steps: number, points = 10): Frame {
  return {
    step,
    condition: { steps: Array(steps).fill({}) },
    region: { all: new Int16Array(3 * points) },
    knowledge: new Uint8Array(points),
  } as unknown as Frame;
}

describe("prefetching", () => {
  it("takes the nearest steps first, and of two the later one", () => {
    expect(nearestSteps(frame(2, 6))).toEqual([3, 1, 4, 0, 5]);
    expect(nearestSteps(frame(5, 6))).toEqual([4, 3, 2, 1, 0]);
    expect(nearestSteps(frame(0, 1))).toEqual([]);
  });

  it("ends where there is no room: 9 bytes a point, 64 million in all", () => {
    expect(nearestSteps(frame(0, 30, 1_000_000))).toHaveLength(7);
  });
});
