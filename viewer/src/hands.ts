/** Pointer, wheel and keys over the space, as wishes: turn, move, zoom, pick, lasso. */

/** Places in pixels of the element; amounts of turning in radians, of moving in half heights. */
export interface Wishes {
  turn(right: number, up: number): void;
  pan(right: number, up: number): void;
  /** The place (x, y) is to stay where it is; without one, the middle. */
  zoom(factor: number, x?: number, y?: number): void;
  home(): void;
  hover(x: number, y: number): void;
  click(x: number, y: number): void;
  outline(points: [number, number][], done: boolean): void;
  next(by: 1 | -1): void;
}

export interface Hands {
  setLasso(on: boolean): void;
  lassoes(): boolean;
  stop(): void;
}

const STEADY = 4;
const KEY_TURN = 0.12;

export function listenToHands(element: HTMLElement, wishes: Wishes): Hands {
  const fingers = new Map<number, [number, number]>();
  let outline: [number, number][] = [];
  let lassoes = false;
  let start: [number, number] | null = null;
  let moves = false;
  const stopping = new AbortController();
  const listen = <K extends keyof HTMLElementEventMap>(
    name: K,
    react: (event: HTMLElementEventMap[K]) => void,
  ) => element.addEventListener(name, react, { signal: stopping.signal, passive: false });
  const placeOf = (event: MouseEvent): [number, number] => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const half = () => Math.max(1, element.clientHeight / 2);

  listen("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, placeOf(event));
    start = placeOf(event);
    moves = fingers.size > 1;
    // A second finger ends the outline that the first one draws.
    if (outline.length) wishes.outline([], false);
    outline = lassoes && fingers.size === 1 && event.button === 0 ? [start] : [];
  });
  listen("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    const now = placeOf(event);
    if (!before) {
      if (event.pointerType === "mouse") wishes.hover(...now);
      return;
    }
    if (start && Math.hypot(now[0] - start[0], now[1] - start[1]) > STEADY) moves = true;
    if (!moves) return;
    if (fingers.size > 1) pinch(before, now, event.pointerId);
    else if (outline.length) {
      outline.push(now);
      wishes.outline(outline, false);
    } else if (event.shiftKey || event.buttons === 2)
      wishes.pan((now[0] - before[0]) / half(), -(now[1] - before[1]) / half());
    else wishes.turn((now[0] - before[0]) / half(), (now[1] - before[1]) / half());
    fingers.set(event.pointerId, now);
  });
  const pinch = (before: [number, number], now: [number, number], id: number) => {
    const other = [...fingers].find(([each]) => each !== id)?.[1];
    if (!other) return;
    const spread = (place: [number, number]) =>
      Math.max(1, Math.hypot(place[0] - other[0], place[1] - other[1]));
    const middle: [number, number] = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
    wishes.zoom(spread(now) / spread(before), ...middle);
    wishes.pan((now[0] - before[0]) / 2 / half(), -(now[1] - before[1]) / 2 / half());
  };
  const release = (event: PointerEvent) => {
    const alone = fingers.size === 1;
    fingers.delete(event.pointerId);
    if (!alone) return;
    if (!moves && event.type === "pointerup" && event.button === 0) wishes.click(...placeOf(event));
    else if (outline.length) wishes.outline(outline, true);
    outline = [];
    start = null;
  };
  listen("pointerup", release);
  listen("pointercancel", release);
  listen("pointerleave", () => wishes.hover(-1, -1));
  listen("contextmenu", (event) => event.preventDefault());
  listen("wheel", (event) => {
    event.preventDefault();
    wishes.zoom(Math.exp(-0.0015 * event.deltaY * (event.deltaMode === 1 ? 20 : 1)), ...placeOf(event));
  });
  listen("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keyWish(event, wishes);
    if (!act) return;
    event.preventDefault();
    act();
  });
  return {
    setLasso: (on) => (lassoes = on),
    lassoes: () => lassoes,
    stop: () => stopping.abort(),
  };
}

function keyWish({ key, shiftKey }: KeyboardEvent, wishes: Wishes): (() => void) | null {
  const arrows: Record<string, [number, number]> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  };
  const way = arrows[key];
  if (way)
    return shiftKey
      ? () => wishes.pan(way[0] * 0.1, -way[1] * 0.1)
      : () => wishes.turn(way[0] * KEY_TURN, way[1] * KEY_TURN);
  const wish: Record<string, () => void> = {
    "+": () => wishes.zoom(1.2),
    "=": () => wishes.zoom(1.2),
    "-": () => wishes.zoom(1 / 1.2),
    "0": () => wishes.home(),
    n: () => wishes.next(1),
    b: () => wishes.next(-1),
  };
  return wish[key.toLowerCase()] ?? null;
}
