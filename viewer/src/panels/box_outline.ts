/** A box on a picture that is visible on any colour: dark on a wider white line. */

import type { Box } from "../data/patterns";

export function outlineBox(
  context: CanvasRenderingContext2D,
  box: Box,
  { white = 5, dash = [] }: { white?: number; dash?: number[] } = {},
): void {
  for (const [colour, line, dashes] of [
    ["#fff", white, []],
    ["#111", 2, dash],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.setLineDash([...dashes]);
    context.strokeRect(...box);
  }
}
