import { describe, expect, it } from "vitest";
import { atRest, freeze, moveTo, positionOf } from "../src/space/motion";
import { lasso, pick, project, type Scene } from "../src/space/picking";
import { FRONT, turnCamera, viewMatrix, viewRows, zoomCamera } from "../src/state/camera";

const BOX = { left: 40, top: 0, width: 600, height: 400 };
const placed = (values: number[], scale = 0.01) => ({
  points: Float32Array.from(values, (value) => scale * value),
  tips: new Float32Array(3),
});

function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}

function cloud(count: number, seed = 7): number[] {
  const next = random(seed);
  return Array.from({ length: 3 * count }, () => Math.round(400 * (next() - 0.5)));
}

function scene(values: number[], camera = FRONT): Scene {
  const motion = atRest(placed(values));
  const visible = new Uint8Array(values.length / 3).fill(1);
  const look = new Uint8Array((4 * values.length) / 3).fill(16);
  return { motion, visible, look, matrix: viewMatrix(camera, BOX.width / BOX.height, 2), box: BOX };
}

/** The definition, with four-vectors. */
function naivePlace(matrix: ArrayLike<number>, point: number[]): [number, number] {
  const clip = [0, 1, 2, 3].map((row) =>
    [...point, 1].reduce((sum, value, column) => sum + matrix[4 * column + row] * value, 0),
  );
  return [
    BOX.left + ((clip[0] / clip[3] + 1) / 2) * BOX.width,
    BOX.top + ((1 - clip[1] / clip[3]) / 2) * BOX.height,
  ];
}

describe("the camera", () => {
  it("sees along orthonormal rows, right-handed", () => {
    const [right, up, towards] = viewRows({ ...FRONT, azimuth: 0.7, elevation: -0.4 });
    const dot = (a: number[], b: number[]) => a.reduce((sum, value, axis) => sum + value * b[axis], 0);
    for (const [a, b, value] of [
      [right, right, 1],
      [up, up, 1],
      [towards, towards, 1],
      [right, up, 0],
      [up, towards, 0],
    ] as const)
      expect(dot(a as number[], b as number[])).toBeCloseTo(value as number, 12);
    const crossed = [0, 1, 2].map(
      (axis) => right[(axis + 1) % 3] * up[(axis + 2) % 3] - right[(axis + 2) % 3] * up[(axis + 1) % 3],
    );
    crossed.forEach((value, axis) => expect(value).toBeCloseTo(towards[axis], 12));
  });

  it("keeps the place under the pointer when it zooms", () => {
    const before = { ...turnCamera(FRONT, 0.5, 0.3), panX: 0.1, panY: -0.2 };
    const [x, y] = [0.35, -0.4];
    const point = (camera: typeof before, at: number[]) => {
      const [px, py] = project(viewMatrix(camera, 1.5, 2), BOX, at[0], at[1], at[2]);
      return [(px - BOX.left - BOX.width / 2) / (BOX.height / 2), (BOX.height / 2 - py) / (BOX.height / 2)];
    };
    const rows = viewRows(before);
    // The point of the plane through the origin that is seen at (x, y).
    const size = (0.9 * before.zoom) / 2;
    const at = [0, 1, 2].map(
      (axis) => ((x - before.panX) * rows[0][axis] + (y - before.panY) * rows[1][axis]) / size,
    );
    const after = point(zoomCamera(before, 3, x, y), at);
    expect(after[0]).toBeCloseTo(x, 10);
    expect(after[1]).toBeCloseTo(y, 10);
  });

  it("fits points at the reach into the height and, where that is less, the width", () => {
    for (const [width, height] of [
      [600, 400],
      [300, 400],
    ]) {
      const box = { left: 0, top: 0, width, height };
      const matrix = viewMatrix(FRONT, width / height, 2);
      const [x] = project(matrix, box, 2, 0, 0);
      const [, y] = project(matrix, box, 0, 2, 0);
      expect(x - width / 2).toBeCloseTo(0.45 * Math.min(width, height), 8);
      expect(height / 2 - y).toBeCloseTo(0.45 * Math.min(width, height), 8);
    }
  });
});

describe("picking", () => {
  const values = cloud(500);
  const camera = turnCamera(FRONT, 1.1, 0.4);
  const drawn = scene(values, camera);

  it("finds what a search over naive projections finds", () => {
    const places = Array.from({ length: 500 }, (_, id) =>
      naivePlace(drawn.matrix, positionOf(drawn.motion, id)),
    );
    const next = random(3);
    for (let trial = 0; trial < 200; trial++) {
      const [x, y] = [BOX.left + next() * BOX.width, next() * BOX.height];
      const away = places.map(([px, py]) => Math.hypot(px - x, py - y));
      const point = pick(drawn, x, y);
      if (Math.min(...away) > 9) expect(point).toBe(-1);
      else if (Math.min(...away) > 4) expect(away[point]).toBeCloseTo(Math.min(...away), 10);
      else expect(away[point]).toBeLessThanOrEqual(4);
    }
  });

  it("takes the point in front of two at one place, and passes over hidden ones", () => {
    const two = scene([0, 0, 100, 0, 0, -100]);
    const [x, y] = project(two.matrix, BOX, 0, 0, 0);
    expect(pick(two, x, y)).toBe(0);
    // A surer point, and more so an emphasised one, is drawn in front of nearer ones.
    two.look[7] = 16 + 32;
    expect(pick(two, x, y)).toBe(1);
    two.look[3] = 24;
    expect(pick(two, x, y)).toBe(0);
    two.visible[0] = 0;
    expect(pick(two, x, y)).toBe(1);
    two.visible[1] = 0;
    expect(pick(two, x, y)).toBe(-1);
  });

  it("lassoes by the even-odd rule", () => {
    const star: [number, number][] = [
      [320, 20],
      [420, 380],
      [120, 150],
      [540, 150],
      [220, 380],
    ];
    const inside = ([x, y]: [number, number]) => {
      let crossings = 0;
      star.forEach(([x1, y1], corner) => {
        const [x2, y2] = star[(corner + 1) % star.length];
        if (y1 > y !== y2 > y && x < x1 + ((y - y1) * (x2 - x1)) / (y2 - y1)) crossings++;
      });
      return crossings % 2 === 1;
    };
    const wanted = Array.from({ length: 500 }, (_, id) => id).filter((id) =>
      inside(naivePlace(drawn.matrix, positionOf(drawn.motion, id))),
    );
    expect(wanted.length).toBeGreaterThan(20);
    expect(lasso(drawn, star)).toEqual(wanted);
    expect(lasso(drawn, star.slice(0, 2))).toEqual([]);
  });
});

describe("motion", () => {
  it("goes from where the points are, also in the middle of a move", () => {
    const [a, b, c] = [placed([100, 0, 0], 0.01), placed([100, 0, 0], 0.03), placed([0, 50, 0], 0.02)];
    const motion = moveTo(atRest(a), b);
    motion.morph = 0.5;
    expect(positionOf(motion, 0)[0]).toBeCloseTo(2, 10);
    const onwards = moveTo(motion, c);
    expect(onwards.morph).toBe(0);
    expect(positionOf(onwards, 0)[0]).toBeCloseTo(2, 1);
    onwards.morph = 1;
    expect(positionOf(onwards, 0)).toEqual([0, 1, 0]);
    expect(freeze(atRest(c))).toBe(c);
  });

  it("does not move between different numbers of points", () => {
    expect(moveTo(atRest(placed([1, 2, 3])), placed([1, 2, 3, 4, 5, 6])).morph).toBe(1);
  });
});
