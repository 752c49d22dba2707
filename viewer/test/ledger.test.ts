import { describe, expect, it } from "vitest";
import type { Frame } from "../src/data/frame";
import { countLedger, flowOfRegions, FLOWS, MOVES, type Flow } from "../src/data/ledger";
import { ledgerSentence } from "../src/panels/ledger";

const IMAGES = 7,
  REGIONS = 5,
  CLASSES = 3;
const count = IMAGES * REGIONS;

/** Numbers that look random and are the same each time. */
function numbers(seed: number, below: number, length = count): number[] {
  let state = seed;
  return Array.from({ length }, () => {
    state = (1103515245 * state + 12345) % 2 ** 31;
    return Math.floor((below * state) / 2 ** 31);
  });
}

const moment = (seed: number, name: string) =>
  ({
    category: Uint8Array.from(numbers(seed, CLASSES)),
    knowledge: Uint8Array.from(numbers(seed + 1, 4)),
    bits: { values: Int16Array.from(numbers(seed + 2, 200)), scale: 0.01 },
    stability: { values: Uint8Array.from(numbers(seed + 3, 7)), refits: 6 },
    regions: REGIONS,
    layer: { name },
  }) as unknown as Frame;

const [before, after] = [moment(1, "conv"), moment(50, "conv")];
const earlier = Uint8Array.from(numbers(90, 2));
const labels = Uint16Array.from(numbers(7, CLASSES, IMAGES));
const regions = flowOfRegions(before, after, earlier);
const ledger = countLedger({ before, regions, isCompared: () => true }, after, labels, CLASSES);
const ids = Array.from({ length: count }, (_, id) => id);
const was = (id: number) => (before.knowledge[id] & 1 ? before.category[id] : null);
const is = (id: number) => (after.knowledge[id] & 1 ? after.category[id] : null);

/** The same, once more, region by region. */
function flowOf(id: number): Flow {
  if (was(id) === null && is(id) === null) return "none";
  if (was(id) === null) return earlier[id] ? "relearnt" : "learnt";
  if (is(id) === null) return "forgotten";
  return was(id) === is(id) ? "kept" : "changed";
}

describe("the ledger", () => {
  it("tells what became of each region", () => {
    expect(Array.from(regions, (flow) => FLOWS[flow])).toEqual(ids.map(flowOf));
    expect(new Set(ids.map(flowOf)).size).toBe(FLOWS.length);
  });

  it("adds up, in all and for each class", () => {
    const { points } = ledger;
    const all = (names: readonly Exclude<Flow, "none">[]) =>
      names.reduce((total, name) => total + points[name].value, 0);
    expect(all(["kept", "changed", "forgotten"])).toBeCloseTo(ledger.before.value, 12);
    expect(all(["kept", "changed", "learnt", "relearnt"])).toBeCloseTo(ledger.after.value, 12);
    for (const [label, row] of ledger.classes.entries()) {
      expect(row.before).toBe(ids.filter((id) => was(id) === label).length);
      expect(row.after).toBe(ids.filter((id) => is(id) === label).length);
      expect(row.kept + row.left + row.forgotten).toBe(row.before);
      expect(row.kept + row.came + row.learnt + row.relearnt).toBe(row.after);
    }
  });

  it("has bits that add up to the growth of the layer", () => {
    const { bits, growth } = ledger;
    const grown = ids.reduce((total, id) => {
      return total + 0.01 * ((after.bits?.values[id] ?? 0) - (before.bits?.values[id] ?? 0));
    }, 0);
    expect(growth?.value).toBeCloseTo(grown / count, 12);
    expect(FLOWS.reduce((total, flow) => total + (bits?.[flow].value ?? 0), 0)).toBeCloseTo(
      grown / count,
      12,
    );
    const shares = ledger.classes.map((row, label) => {
      const own = labels.filter((other) => other === label).length;
      return (own * (row.bits?.value || 0)) / IMAGES;
    });
    expect(shares.reduce((one, other) => one + other)).toBeCloseTo(grown / count, 12);
  });

  it("counts the images that are compared alone", () => {
    const isCompared = (image: number) => image % 2 === 0;
    const own = regions.map((flow, id) => (isCompared(Math.floor(id / REGIONS)) ? flow : 0));
    const half = countLedger({ before, regions: own, isCompared }, after, labels, CLASSES);
    expect(half.images).toBe(4);
    const kept = ids.filter((id) => isCompared(Math.floor(id / REGIONS)) && flowOf(id) === "kept").length;
    expect(half.points.kept.value).toBeCloseTo(kept / 4, 12);
    expect(half.classes.reduce((total, row) => total + row.kept, 0)).toBe(kept);
  });

  it("says what is kept beside what a refit keeps", () => {
    const text = ledgerSentence(ledger, { before: "step 1", after: "step 2" }, after);
    expect(text).toContain("conv, step 1 to step 2: ");
    expect(text).toMatch(
      /Of the points before, \d+\u00a0% are kept; of a refit of the same network, \d+\u00a0% are\./,
    );
    const none = { ...ledger, before: { value: 0, low: 0, high: 0 } };
    expect(ledgerSentence(none, { before: "a", after: "b" }, after)).toContain("There was no point before.");
  });

  it("of a step with itself keeps everything", () => {
    const same = flowOfRegions(before, before, null);
    const own = countLedger({ before, regions: same, isCompared: () => true }, before, labels, CLASSES);
    expect(own.kept.value).toBe(1);
    expect(MOVES.filter((move) => own.points[move].value > 0)).toEqual(["kept"]);
    expect(own.growth?.value).toBe(0);
  });
});
