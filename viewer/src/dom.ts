/** Elements of the page. */

type Value = string | number | boolean | null | undefined | ((event: never) => void);
type Child = Node | string | null | undefined | false;

/** Make an element with attributes (functions become listeners; false and null are omitted) and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, Value> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

/** Make an SVG element. */
export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, Value> = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill<E extends Element>(element: E, attributes: Record<string, Value>, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value as EventListener);
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(
    ...children.filter(
      (child): child is Node | string => child !== null && child !== undefined && child !== false,
    ),
  );
  return element;
}

/** Replace the content of a live region only where its text differs, so that it is not announced twice. */
export function replaceText(element: Element, ...children: (Node | string)[]): void {
  const next = document.createElement("div");
  next.append(...children);
  if (next.textContent !== element.textContent) element.replaceChildren(...next.childNodes);
}

/** Replace the children of an element; focus passes from a child to the one in its place. */
export function replaceChildren(element: Element, ...children: Node[]): void {
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  const index = Array.from(element.children).findIndex((child) => child === focused);
  element.replaceChildren(...children);
  if (index >= 0) (element.children[index] as HTMLElement | undefined)?.focus();
}

let lastId = 0;

/** An id unique on the page, where one notebook may show several viewers. */
export function freshId(name: string): string {
  return `patternscope-${name}-${++lastId}`;
}

/** The width of an element, 0 while hidden; `react` is called when it changes. Reading it costs no layout. */
export function widthOf(element: Element, react: () => void): () => number {
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width === width) return;
    width = contentRect.width;
    react();
  }).observe(element);
  return () => width;
}

export function reducedMotion(): boolean {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}
