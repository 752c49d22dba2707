import { describe, expect, it } from "vitest";
import { placeLabels } from "../src/space/text_placement";
import { shorten } from "../src/text_width";

describe("names of classes", () => {
  it("keep apart and inside", () => {
    const box = { left: 0, top: 0, width: 300, height: 300 };
    const labels = Array.from({ length: 12 }, (_, index) => ({
      x: 150 + 60 * Math.cos(index),
      y: 150 + 60 * Math.sin(index),
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

  const measure = (text: string) => 7 * text.length;

  it("are cut in the middle", () => {
    expect(shorten("cat", 70, measure)).toBe("cat");
    const cut = shorten("a class with a long name 17", 70, measure);
    expect(cut).toMatch(/^a cla.*….*17$/);
    expect(measure(cut)).toBeLessThanOrEqual(70);
  });
});
