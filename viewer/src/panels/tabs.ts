/** Tabs: one of several parts at a time, with arrow keys; `chosen` is called with the one that is picked. */

import { freshId, h } from "../dom";

export interface Tab {
  name: string;
  element: HTMLElement;
}

export function tabs(
  label: string,
  all: Tab[],
  chosen?: (name: string) => void,
): { element: HTMLElement; choose(name: string): void } {
  const parts = all.map(({ name, element }) => {
    const id = freshId("tab");
    const panel = h("div", { role: "tabpanel", id: `${id}-panel`, "aria-labelledby": id }, element);
    const tab = h("button", { role: "tab", id, "aria-controls": `${id}-panel` }, name);
    return { name, tab, panel };
  });
  const choose = (selected: string, focus = false) => {
    for (const { name, tab, panel } of parts) {
      const on = name === selected;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      panel.hidden = !on;
      if (on && focus) tab.focus();
    }
  };
  const pick = (name: string, focus = false) => {
    choose(name, focus);
    chosen?.(name);
  };
  parts.forEach(({ name, tab }, index) => {
    tab.addEventListener("click", () => pick(name));
    tab.addEventListener("keydown", ({ key }) => {
      const by = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
      if (by) pick(parts[(index + by + parts.length) % parts.length].name, true);
    });
  });
  choose(parts[0].name);
  const bar = h(
    "div",
    { class: "tabbar" },
    h("h2", {}, label),
    h("div", { role: "tablist", "aria-label": label }, ...parts.map(({ tab }) => tab)),
  );
  return { element: h("div", { class: "tabbed" }, bar, ...parts.map(({ panel }) => panel)), choose };
}
