/** Names beside the tips of arrows, apart from each other. */

export interface Label {
  /** The tip, and the size of the text. */
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Width of a text in pixels, as the page draws it. */
export type Measure = (text: string) => number;

export function measureIn(font: string): Measure {
  const known = new Map<string, number>();
  let context: CanvasRenderingContext2D | null = null;
  return (text) => {
    context ??= document.createElement("canvas").getContext("2d") as CanvasRenderingContext2D;
    context.font = font;
    if (!known.has(text)) known.set(text, context.measureText(text).width);
    return known.get(text) as number;
  };
}

/** A text that is at most so wide, cut in the middle: long names of classes often differ at their ends. */
export function shortened(text: string, width: number, measure: Measure): string {
  const cut = (kept: number) => {
    const tail = Math.floor(kept * 0.4);
    return `${text.slice(0, kept - tail).trimEnd()}…${text.slice(text.length - tail).trimStart()}`;
  };
  if (measure(text) <= width) return text;
  let kept = text.length - 1;
  while (kept > 1 && measure(cut(kept)) > width) kept--;
  return cut(kept);
}

/**
 * Centres of the names: outwards of their tips as seen from (x, y), pushed apart up and down where two would
 * overlap, inside a box. Nearby views give nearby places, so that names do not jump while the space is turned.
 */
export function placeLabels(
  labels: Label[],
  [middleX, middleY]: [number, number],
  box: { left: number; top: number; width: number; height: number },
  gap = 7,
): [number, number][] {
  const places = labels.map(({ x, y, width, height }): [number, number] => {
    const away = Math.hypot(x - middleX, y - middleY) || 1;
    const [outX, outY] = [(x - middleX) / away, (y - middleY) / away];
    return [x + outX * (width / 2 + gap), y + outY * (height / 2 + gap)];
  });
  const keepInside = () =>
    places.forEach((place, each) => {
      const { width, height } = labels[each];
      place[0] = within(place[0], box.left + width / 2 + 2, box.left + box.width - width / 2 - 2);
      place[1] = within(place[1], box.top + height / 2 + 2, box.top + box.height - height / 2 - 2);
    });
  keepInside();
  for (let round = 0; round < 40 && pushApart(labels, places); round++) keepInside();
  return places;
}

function pushApart(labels: Label[], places: [number, number][]): boolean {
  let moved = false;
  for (let one = 0; one < labels.length; one++)
    for (let other = 0; other < one; other++) {
      const wide =
        (labels[one].width + labels[other].width) / 2 - Math.abs(places[one][0] - places[other][0]);
      const high =
        (labels[one].height + labels[other].height) / 2 - Math.abs(places[one][1] - places[other][1]);
      if (wide <= 0 || high <= 0) continue;
      const up =
        places[one][1] < places[other][1] || (places[one][1] === places[other][1] && one < other) ? -1 : 1;
      places[one][1] += (up * high) / 2 + up * 0.1;
      places[other][1] -= (up * high) / 2 + up * 0.1;
      moved = true;
    }
  return moved;
}

function within(value: number, low: number, high: number): number {
  return low > high ? (low + high) / 2 : Math.min(high, Math.max(low, value));
}
