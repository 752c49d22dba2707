/** The drawn width of a text. */

/** Width of a text in pixels. */
export type MeasureText = (text: string) => number;

export function measureText(font: string): MeasureText {
  const widths = new Map<string, number>();
  let context: CanvasRenderingContext2D | null = null;
  return (text) => {
    context ??= document.createElement("canvas").getContext("2d") as CanvasRenderingContext2D;
    context.font = font;
    if (!widths.has(text)) widths.set(text, context.measureText(text).width);
    return widths.get(text) as number;
  };
}

/** Shorten a text to a width, by its middle: long class names often differ at their ends. */
export function shorten(text: string, width: number, measure: MeasureText): string {
  const cut = (kept: number) => {
    const tail = Math.floor(kept * 0.4);
    return `${text.slice(0, kept - tail).trimEnd()}…${text.slice(text.length - tail).trimStart()}`;
  };
  if (measure(text) <= width) return text;
  let kept = text.length - 1;
  while (kept > 1 && measure(cut(kept)) > width) kept--;
  return cut(kept);
}
