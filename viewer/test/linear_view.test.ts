import { describe, expect, it } from "vitest";
import {
  arrangement,
  betweenAxes,
  dot,
  dragDirection,
  project,
  rowsOf,
  separatingAxes,
  shownShare,
  type Axes,
} from "../src/data/linear_view";
import { pointsByClass, separate, TOGETHER } from "../src/data/separation";

function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647 - 0.5;
}

function unitVectors(count: number, dimensions: number, seed = 5): number[][] {
  const next = random(seed);
  return Array.from({ length: count }, () => {
    const row = Array.from({ length: dimensions }, next);
    return row.map((part) => part / Math.hypot(...row));
  });
}

function expectOrthonormal(axes: Axes): void {
  axes.forEach((one, place) =>
    axes.forEach((other, at) => expect(dot(one, other)).toBeCloseTo(place === at ? 1 : 0, 8)),
  );
}

const seen = (axes: Axes, row: number[]) => axes.map((axis) => dot(axis, row));

describe("the view of classes", () => {
  it("has orthonormal axes, the first class upwards, and turns a space of three only", () => {
    for (const [classes, dimensions] of [
      [10, 9],
      [3, 5],
      [2, 4],
      [1, 3],
      [7, 3],
    ]) {
      const directions = unitVectors(classes, dimensions);
      const order = arrangement(directions, []);
      const axes = separatingAxes(directions, order);
      expectOrthonormal(axes);
      if (classes > 2) {
        const [x, y] = seen(axes, directions[order[0]]);
        expect(x).toBeCloseTo(0, 10);
        expect(y).toBeGreaterThan(0);
      }
    }
    expect(separatingAxes(unitVectors(4, 2), [0, 1, 2, 3])[0]).toEqual([1, 0]);
  });

  it("is exact for up to four classes: all distances between them are as they are", () => {
    const directions = unitVectors(10, 9);
    for (const classes of [
      [3, 7],
      [1, 2, 8],
      [0, 4, 5, 9],
    ]) {
      const axes = separatingAxes(directions, arrangement(directions, classes));
      for (const one of classes)
        for (const other of classes) {
          const difference = directions[one].map((part, k) => part - directions[other][k]);
          expect(Math.hypot(...seen(axes, difference))).toBeCloseTo(Math.hypot(...difference), 10);
        }
      expect(
        shownShare(
          classes.map((label) => directions[label]),
          axes,
        ),
      ).toBeCloseTo(1, 10);
    }
  });

  it("projects as a product of matrices", () => {
    const axes = separatingAxes(unitVectors(6, 5), [0, 1, 2, 3, 4, 5]);
    const values = Int16Array.from({ length: 20 }, (_, index) => 7 * index - 60);
    const points = project(values, axes, 0.5);
    rowsOf(values, 5).forEach((row, id) =>
      seen(axes, row).forEach((value, axis) => expect(points[3 * id + axis]).toBeCloseTo(value / 2, 4)),
    );
  });

  it("goes from one to another over orthonormal ones, evenly", () => {
    const directions = unitVectors(10, 9);
    const [from, to] = [
      [1, 2],
      [5, 6, 7],
    ].map((classes) => separatingAxes(directions, classes));
    const way = Array.from({ length: 21 }, (_, step) => betweenAxes(from, to, step / 20));
    way.forEach(expectOrthonormal);
    const change = (one: Axes, other: Axes) =>
      Math.max(...one.flatMap((row, axis) => row.map((part, k) => Math.abs(part - other[axis][k]))));
    expect(change(way[0], from)).toBeLessThan(1e-9);
    expect(change(way[20], to)).toBeLessThan(1e-9);
    way.slice(1).forEach((axes, step) => expect(change(axes, way[step])).toBeLessThan(0.3));
  });

  it("follows an arrow that is dragged", () => {
    const directions = unitVectors(10, 9);
    const axes = separatingAxes(directions, arrangement(directions, []));
    const place = [0.5, -0.4, 0.1];
    const dragged = dragDirection(axes, directions[3], place);
    expectOrthonormal(dragged);
    seen(dragged, directions[3]).forEach((value, axis) => expect(value).toBeCloseTo(place[axis], 2));
  });
});

describe("separators", () => {
  /** Two classes that differ along the last of five dimensions, a third one apart from them along the first. */
  const next = random(11);
  const spread = () => next() + next() + next();
  const middles = [
    [0, 0, 0, 0, 3],
    [0, 0, 0, 0, -3],
    [4, 0, 0, 0, 0],
  ];
  const labels = Array.from({ length: 900 }, (_, id) => id % 3);
  const values = Float64Array.from(labels.flatMap((label) => middles[label].map((part) => part + spread())));
  const axes = [0, 1, 2].map((axis) => [0, 1, 2, 3, 4].map((k) => Number(k === axis)));
  const separation = separate(
    pointsByClass(values, 5, 1, 3, (id) => labels[id]),
    5,
    [0, 1, 2],
  );

  it("find pairs that are apart in space and lie together on the screen", () => {
    expect(separation.apart.length).toBe(3);
    const hidden = separation.seenAlong(axes).filter(({ screen }) => screen < TOGETHER);
    expect(hidden.map(({ classes }) => classes)).toEqual([[0, 1]]);
    expect(hidden[0].space).toBeGreaterThan(0.99);
  });

  it("turn a view until none does", () => {
    const turned = separation.refine(axes);
    expectOrthonormal(turned);
    for (const { screen } of separation.seenAlong(turned)) expect(screen).toBeGreaterThan(TOGETHER);
  });
});
