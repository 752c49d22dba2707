/** Pointer, wheel and keys over the space, as actions: turn, pan, zoom, click, lasso. */

/** Places in pixels of the element; turns in radians, pans in half heights. */
export interface PointerActions {
  turn(right: number, up: number): void;
  pan(right: number, up: number): void;
  /** Zoom around (x, y), or around the middle. */
  zoom(factor: number, x?: number, y?: number): void;
  home(): void;
  hover(x: number, y: number): void;
  click(x: number, y: number): void;
  outline(points: [number, number][], done: boolean): void;
  /** Grab the arrow at a place, if there is one; drag it, and let it go. */
  grab(x: number, y: number): boolean;
  drag(x: number, y: number): void;
  drop(): void;
  next(by: 1 | -1): void;
}

export interface PointerInput {
  setLasso(on: boolean): void;
  lassoIsOn(): boolean;
  stop(): void;
}

/** Pixels that a pointer may move during a click. */
const CLICK_RADIUS = 4;
const KEY_TURN = 0.12;

export function listenToPointer(element: HTMLElement, actions: PointerActions): PointerInput {
  const pointers = new Map<number, [number, number]>();
  let outline: [number, number][] = [];
  let lassoOn = false;
  let start: [number, number] | null = null;
  let dragging = false;
  let grabbed = false;
  const listeners = new AbortController();
  const listen = <K extends keyof HTMLElementEventMap>(
    name: K,
    react: (event: HTMLElementEventMap[K]) => void,
  ) => element.addEventListener(name, react, { signal: listeners.signal, passive: false });
  const placeOf = (event: MouseEvent): [number, number] => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const half = () => Math.max(1, element.clientHeight / 2);

  listen("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, placeOf(event));
    start = placeOf(event);
    dragging = pointers.size > 1;
    // A second finger ends the outline that the first one draws.
    if (outline.length) actions.outline([], false);
    outline = lassoOn && pointers.size === 1 && event.button === 0 ? [start] : [];
    if (grabbed) actions.drop();
    grabbed =
      !lassoOn && pointers.size === 1 && event.button === 0 && !event.shiftKey && actions.grab(...start);
  });
  listen("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    const now = placeOf(event);
    if (!before) {
      if (event.pointerType === "mouse") actions.hover(...now);
      return;
    }
    if (start && Math.hypot(now[0] - start[0], now[1] - start[1]) > CLICK_RADIUS) dragging = true;
    if (!dragging) return;
    if (pointers.size > 1) pinch(before, now, event.pointerId);
    else if (outline.length) {
      outline.push(now);
      actions.outline(outline, false);
    } else if (grabbed) actions.drag(...now);
    else if (event.shiftKey || event.buttons === 2)
      actions.pan((now[0] - before[0]) / half(), -(now[1] - before[1]) / half());
    else actions.turn((now[0] - before[0]) / half(), (now[1] - before[1]) / half());
    pointers.set(event.pointerId, now);
  });
  const pinch = (before: [number, number], now: [number, number], id: number) => {
    const other = [...pointers].find(([pointer]) => pointer !== id)?.[1];
    if (!other) return;
    const spread = (place: [number, number]) =>
      Math.max(1, Math.hypot(place[0] - other[0], place[1] - other[1]));
    const middle: [number, number] = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
    actions.zoom(spread(now) / spread(before), ...middle);
    actions.pan((now[0] - before[0]) / 2 / half(), -(now[1] - before[1]) / 2 / half());
  };
  const release = (event: PointerEvent) => {
    const last = pointers.size === 1;
    pointers.delete(event.pointerId);
    if (!last) return;
    if (!dragging && event.type === "pointerup" && event.button === 0) actions.click(...placeOf(event));
    else if (outline.length) actions.outline(outline, true);
    if (grabbed) actions.drop();
    grabbed = false;
    outline = [];
    start = null;
  };
  listen("pointerup", release);
  listen("pointercancel", release);
  listen("pointerleave", () => actions.hover(-1, -1));
  listen("contextmenu", (event) => event.preventDefault());
  listen("wheel", (event) => {
    event.preventDefault();
    actions.zoom(Math.exp(-0.0015 * event.deltaY * (event.deltaMode === 1 ? 20 : 1)), ...placeOf(event));
  });
  listen("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keyAction(event, actions);
    if (!act) return;
    event.preventDefault();
    act();
  });
  return {
    setLasso: (on) => (lassoOn = on),
    lassoIsOn: () => lassoOn,
    stop: () => listeners.abort(),
  };
}

function keyAction({ key, shiftKey }: KeyboardEvent, actions: PointerActions): (() => void) | null {
  const arrows: Record<string, [number, number]> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  };
  const arrow = arrows[key];
  if (arrow)
    return shiftKey
      ? () => actions.pan(arrow[0] * 0.1, -arrow[1] * 0.1)
      : () => actions.turn(arrow[0] * KEY_TURN, arrow[1] * KEY_TURN);
  const others: Record<string, () => void> = {
    "+": () => actions.zoom(1.2),
    "=": () => actions.zoom(1.2),
    "-": () => actions.zoom(1 / 1.2),
    "0": () => actions.home(),
    n: () => actions.next(1),
    b: () => actions.next(-1),
  };
  return others[key.toLowerCase()] ?? null;
}
