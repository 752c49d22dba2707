/** The classes, to filter by them, and the meaning of colours that are not classes. */

import { h, replaceChildren, s } from "../dom";
import {
  css,
  evidenceColour,
  MUTED,
  RELIABLE,
  shapePath,
  strengthColour,
  TRAJECTORY_COLOURS,
  TRAJECTORY_SHAPES,
  TRAJECTORY_TYPES,
  UNRELIABLE,
  type Look,
  type Rgb,
} from "../state/colours";
import type { ClassFacet } from "../state/facets";
import type { ChangeView, Snapshot } from "../state/snapshot";
import type { Colour } from "../state/view";
import { measureText, shorten } from "../text_width";
import { formatBits } from "./formatting";
import type { Panel } from "./panel";

/** Pixels for the name of a class. */
const NAME_WIDTH = 92;
const measure = measureText("13px system-ui, sans-serif");

const TITLES: Partial<Record<Colour, string>> = {
  true: "True class",
  predicted: "Predicted by the network",
  knowledge: "Predicted by the region",
};
/** The facet of the classes that the colours show; otherwise the true class. */
const FACETS: Partial<Record<Colour, ClassFacet>> = { predicted: "decisions", knowledge: "regions" };

export function makeLegend(change: ChangeView): Panel {
  const meaning = h("div", { class: "meaning" });
  const title = h("h2", {});
  const all = h("button", { class: "small", click: () => setClasses(() => []) }, "Show all");
  const list = h("ul", { class: "classes" });
  let drawn: Colour = "true";
  const facetOf = (colour: Colour) => FACETS[colour] ?? "classes";
  const setClasses = (next: (classes: number[]) => number[]) =>
    change(({ filter }) => ({ filter: { ...filter, [facetOf(drawn)]: next(filter[facetOf(drawn)]) } }));
  const toggle = (label: number) =>
    setClasses((classes) =>
      classes.includes(label)
        ? classes.filter((other) => other !== label)
        : [...classes, label].sort((a, b) => a - b),
    );
  let buttons: HTMLButtonElement[] = [];
  return {
    element: h("nav", { class: "legend", "aria-label": "Classes and colours" }, meaning, title, list, all),
    update(snapshot) {
      const { view, marks, atlas } = snapshot;
      drawn = view.colour;
      title.textContent = TITLES[drawn] ?? (TITLES.true as string);
      const classes = view.filter[facetOf(drawn)];
      all.disabled = classes.length === 0;
      if (!buttons.length) {
        buttons = atlas.attributes.classes.map((name, label) =>
          h(
            "button",
            { class: "class", title: name, click: () => toggle(label) },
            badge(marks[label]),
            h("span", {}, shorten(name, NAME_WIDTH, measure)),
          ),
        );
        list.replaceChildren(...buttons.map((button) => h("li", {}, button)));
      }
      const coloured = view.colour in TITLES;
      list.classList.toggle("plain", !coloured);
      buttons.forEach((button, label) => {
        button.setAttribute("aria-pressed", String(classes.includes(label)));
        button.classList.toggle("off", classes.length > 0 && !classes.includes(label));
      });
      replaceChildren(meaning, ...colourKey(snapshot, change));
    },
  };
}

function badge({ rgb, shape }: Look): SVGSVGElement {
  return s(
    "svg",
    { viewBox: "-7 -7 14 14", class: "badge", "aria-hidden": "true" },
    s("path", { d: shapePath(shape, 5.2), fill: css(rgb) }),
  );
}

/** The meaning of colours that are not classes, and the trajectory types to filter by. */
function colourKey(snapshot: Snapshot, change: ChangeView): Node[] {
  const { view, atlas } = snapshot;
  const parts: Node[] = [];
  const key = (name: string, look: Look) => h("p", { class: "key-row" }, badge(look), name);
  if (view.colour === "reliability") {
    const names =
      view.space === "regions"
        ? ["reliable point", "unreliable point", "no knowledge point"]
        : ["correct", "misclassified"];
    parts.push(
      h("h2", {}, "Colours"),
      ...names.map((name, index) => key(name, [RELIABLE, UNRELIABLE, { rgb: MUTED, shape: 0 }][index])),
    );
  }
  const ramp = (name: string, shades: Rgb[], ends: string[]) => [
    h("h2", {}, name),
    h("div", { class: "ramp", style: `background:linear-gradient(90deg,${shades.map(css).join(",")})` }),
    h("p", { class: "ramp-ends" }, ...ends.map((end) => h("span", {}, end))),
  ];
  if (view.colour === "strength")
    parts.push(...ramp("Strength", [0, 0.25, 0.5, 0.75, 1].map(strengthColour), ["weak", "strong"]));
  if (view.colour === "evidence") {
    const most = atlas.attributes.evidence?.most ?? 1;
    const ends = [`≤ ${formatBits(-most)}`, "0", `${formatBits(most)} bits`];
    const decision = atlas.attributes.evidence?.against === "decision";
    parts.push(
      ...ramp("Evidence", [-1, -0.5, 0, 0.5, 1].map(evidenceColour), ends),
      h(
        "p",
        { class: "ramp-note" },
        `for the image's ${decision ? "decision by the network" : "true class"}; one scale for all layers and steps`,
      ),
    );
  }
  if (
    atlas.condition(view.condition).kind === "attack" &&
    view.space === "regions" &&
    snapshot.frame?.trajectory
  ) {
    const selected = view.filter.path;
    parts.push(
      h("h2", {}, "Trajectory type"),
      ...[1, 2, 3, 4].map((type) =>
        h(
          "button",
          {
            class: "class path-type",
            "aria-pressed": String(selected === type),
            click: () =>
              change(({ filter }) =>
                filter.path === type
                  ? { filter: { ...filter, path: 0 } }
                  : { filter: { ...filter, path: type }, selection: [] },
              ),
          },
          badge({ rgb: TRAJECTORY_COLOURS[type], shape: TRAJECTORY_SHAPES[type] }),
          h("span", {}, TRAJECTORY_TYPES[type]),
        ),
      ),
    );
  }
  return parts;
}
