import { describe, expect, it } from "vitest";
import { Recent } from "../src/data/recent";

describe("recent values", () => {
  const sized = () => new Recent<string>(5, (text) => text.length);

  it("forgets those that were read longest ago", () => {
    const kept = sized();
    kept.set(1, "ab");
    kept.set(2, "cd");
    kept.get(1);
    kept.set(3, "ef");
    expect([1, 2, 3].map((key) => kept.get(key))).toEqual(["ab", undefined, "ef"]);
  });

  it("keeps the last one, however large", () => {
    const kept = sized();
    kept.set(1, "a");
    kept.set(2, "larger than all");
    expect([kept.get(1), kept.get(2)]).toEqual([undefined, "larger than all"]);
    kept.set(3, "b");
    expect([kept.get(2), kept.get(3)]).toEqual([undefined, "b"]);
  });

  it("counts a value that is replaced once", () => {
    const kept = sized();
    kept.set(1, "abc");
    kept.set(1, "ab");
    kept.set(2, "cde");
    expect([kept.get(1), kept.get(2)]).toEqual(["ab", "cde"]);
  });
});
