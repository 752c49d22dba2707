/** Making elements. */

type Value = string | number | boolean | null | undefined | ((event: never) => void);
type Child = Node | string | null | undefined | false;

/** An element with attributes (functions become listeners, false and null are left out) and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, Value> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

/** The same in the namespace of SVG. */
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

/** Give an element other content where it says something else: what has not changed is not read aloud again. */
export function rewrite(element: Element, ...children: (Node | string)[]): void {
  const next = document.createElement("div");
  next.append(...children);
  if (next.textContent !== element.textContent) element.replaceChildren(...next.childNodes);
}

/** Give an element other children; the one that has the focus hands it to the one in its place. */
export function replaceChildren(element: Element, ...children: Node[]): void {
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  const place = Array.from(element.children).findIndex((each) => each === focused);
  element.replaceChildren(...children);
  if (place >= 0) (element.children[place] as HTMLElement | undefined)?.focus();
}

let labelled = 0;

/** An id that no other element of the page has: several viewers may stand in one notebook. */
export function freshId(name: string): string {
  return `patternscope-${name}-${++labelled}`;
}

/** The width of an element, 0 while it is not shown; `react` is called when it is another. Asking it costs no layout. */
export function widthOf(element: Element, react: () => void): () => number {
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width === width) return;
    width = contentRect.width;
    react();
  }).observe(element);
  return () => width;
}
