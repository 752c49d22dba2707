/** The classes, to show some of them alone; or what the colours mean where they are not classes. */

import { css, RELIABLE, shapePath, strengthColour, UNRELIABLE, MUTED, type Mark, type Rgb } from "./colours";
import { h, replaceChildren, s } from "./dom";
import { measureIn, shortened } from "./labels";
import { PATH_COLOURS, PATHS } from "./paint";
import type { Change, Panel, Shown } from "./shown";

const ROOM = 92;
const measure = measureIn("13px system-ui, sans-serif");

const TITLES: Record<string, string> = {
  true: "Class of the image",
  predicted: "Class the network sees",
  knowledge: "Class the region speaks for",
};

export function makeLegend(change: Change): Panel {
  const meaning = h("div", { class: "meaning" });
  const title = h("h2", {});
  const all = h("button", { class: "small", click: () => show(() => []) }, "Show all");
  const list = h("ul", { class: "classes" });
  const show = (next: (classes: number[]) => number[]) =>
    change(({ filter }) => ({ filter: { ...filter, classes: next(filter.classes) } }));
  const toggle = (each: number) =>
    show((classes) =>
      classes.includes(each)
        ? classes.filter((other) => other !== each)
        : [...classes, each].sort((a, b) => a - b),
    );
  let buttons: HTMLButtonElement[] = [];
  return {
    element: h("nav", { class: "legend", "aria-label": "Classes and colours" }, meaning, title, list, all),
    update(shown) {
      const { view, marks, run } = shown;
      title.textContent = TITLES[view.colour] ?? TITLES.true;
      const { classes } = view.filter;
      all.disabled = classes.length === 0;
      if (!buttons.length) {
        buttons = run.attributes.classes.map((name, each) =>
          h(
            "button",
            { class: "class", title: name, click: () => toggle(each) },
            badge(marks[each]),
            h("span", {}, shortened(name, ROOM, measure)),
          ),
        );
        list.replaceChildren(...buttons.map((button) => h("li", {}, button)));
      }
      const coloured = view.colour in TITLES;
      list.classList.toggle("plain", !coloured);
      buttons.forEach((button, each) => {
        button.setAttribute("aria-pressed", String(classes.includes(each)));
        button.classList.toggle("off", classes.length > 0 && !classes.includes(each));
      });
      replaceChildren(meaning, ...meaningOf(shown, change));
    },
  };
}

function badge(mark: Mark): SVGSVGElement {
  return s(
    "svg",
    { viewBox: "-7 -7 14 14", class: "badge", "aria-hidden": "true" },
    s("path", { d: shapePath(mark.shape, 5.2), fill: mark.colour }),
  );
}

/** What the colours say where they are not classes, and the types of an attack's paths to pick. */
function meaningOf(shown: Shown, change: Change): Node[] {
  const { view, run } = shown;
  const parts: Node[] = [];
  const key = (name: string, rgb: Rgb) =>
    h("p", { class: "key-row" }, h("span", { class: "dot", style: `background:${css(rgb)}` }), name);
  if (view.colour === "reliability") {
    const names =
      view.space === "regions"
        ? ["reliable point", "unreliable point", "no knowledge point"]
        : ["decided rightly", "decided wrongly"];
    parts.push(
      h("h2", {}, "Colours"),
      ...names.map((name, each) => key(name, [RELIABLE, UNRELIABLE, MUTED][each])),
    );
  }
  if (view.colour === "strength") {
    const shades = [0, 0.25, 0.5, 0.75, 1].map((each) => css(strengthColour(each))).join(",");
    parts.push(
      h("h2", {}, "Strength"),
      h("div", { class: "ramp", style: `background:linear-gradient(90deg,${shades})` }),
      h("p", { class: "ramp-ends" }, h("span", {}, "weak"), h("span", {}, "strong")),
    );
  }
  if (
    run.condition(view.condition).kind === "attack" &&
    view.space === "regions" &&
    shown.frame?.trajectory
  ) {
    const chosen = view.filter.path;
    parts.push(
      h("h2", {}, "Type of path"),
      ...[1, 2, 3, 4].map((type) =>
        h(
          "button",
          {
            class: "class path-type",
            "aria-pressed": String(chosen === type),
            click: () =>
              change(({ filter }) =>
                filter.path === type
                  ? { filter: { ...filter, path: 0 } }
                  : { filter: { ...filter, path: type }, selection: [] },
              ),
          },
          h("span", { class: "dot", style: `background:${css(PATH_COLOURS[type])}` }),
          h("span", {}, PATHS[type]),
        ),
      ),
    );
  }
  return parts;
}
