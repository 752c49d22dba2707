/** Places for texts over the space: names next to the tips of arrows, and the tooltip. */

export interface Label {
  /** Tip of the arrow, and size of the text. */
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * Return the centres of the names: outside their tips as seen from (x, y), moved up and down where two would overlap,
 * inside a box. Similar views give similar places, so that names do not jump while the space rotates.
 */
export function placeLabels(
  labels: Label[],
  [middleX, middleY]: [number, number],
  box: { left: number; top: number; width: number; height: number },
  gap = 7,
): [number, number][] {
  const places = labels.map(({ x, y, width, height }): [number, number] => {
    const distance = Math.hypot(x - middleX, y - middleY) || 1;
    const [outX, outY] = [(x - middleX) / distance, (y - middleY) / distance];
    return [x + outX * (width / 2 + gap), y + outY * (height / 2 + gap)];
  });
  const keepInside = () =>
    places.forEach((place, index) => {
      const { width, height } = labels[index];
      place[0] = clamp(place[0], box.left + width / 2 + 2, box.left + box.width - width / 2 - 2);
      place[1] = clamp(place[1], box.top + height / 2 + 2, box.top + box.height - height / 2 - 2);
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

function clamp(value: number, low: number, high: number): number {
  return low > high ? (low + high) / 2 : Math.min(high, Math.max(low, value));
}

/** Place the tooltip next to the pointer, inside the space. */
export function placeTip(tip: HTMLElement, x: number, y: number, width: number, height: number): void {
  const right = x + 16 + tip.offsetWidth > width;
  const low = y + 16 + tip.offsetHeight > height;
  tip.style.left = `${right ? Math.max(4, x - 16 - tip.offsetWidth) : x + 16}px`;
  tip.style.top = `${low ? Math.max(4, y - 16 - tip.offsetHeight) : y + 16}px`;
}
