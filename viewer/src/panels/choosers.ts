/** The choosers above the space: view, layer, what the points are, their colour, which are visible. */

import type { Space } from "../data/frame";
import { h } from "../dom";
import type { Points } from "../state/facets";
import type { ChangeView } from "../state/snapshot";
import { coloursOf, type Colour } from "../state/view";
import { makeFacets } from "./facets";
import type { Panel } from "./panel";

interface Chooser {
  element: HTMLElement;
  set(options: [string, string][], value: string, disabled?: boolean): void;
}

function makeChooser(name: string, choose: (value: string) => void): Chooser {
  const select = h("select", { "aria-label": name, change: () => choose(select.value) });
  let offered = "";
  return {
    element: h("label", { class: "chooser" }, h("span", {}, name), select),
    set(options, value, disabled = false) {
      if (offered !== JSON.stringify(options)) {
        offered = JSON.stringify(options);
        select.replaceChildren(...options.map(([key, text]) => h("option", { value: key }, text)));
      }
      select.value = value;
      select.disabled = disabled;
    },
  };
}

const COLOUR_NAMES: Record<Space, Partial<Record<Colour, string>>> = {
  regions: {
    true: "true class",
    knowledge: "class predicted by the region",
    predicted: "class predicted by the network",
    reliability: "reliability",
    evidence: "evidence",
    strength: "strength",
    path: "trajectory type",
  },
  images: {
    true: "true class",
    predicted: "class predicted by the network",
    reliability: "correctness",
    strength: "strength",
  },
};
const POINT_NAMES: [Points, string][] = [
  ["all", "all regions"],
  ["knowledge", "knowledge points"],
  ["reliable", "reliable points"],
  ["unreliable", "unreliable points"],
];
const SPACE_NAMES: [Space, string][] = [
  ["regions", "regions"],
  ["images", "images"],
];

export function makeChoosers(change: ChangeView): Panel {
  const condition = makeChooser("View", (value) => change({ condition: value }));
  const layer = makeChooser("Layer", (value) => change({ layer: value }));
  const space = makeChooser("Points", (value) => change({ space: value as Space }));
  const colour = makeChooser("Colour by", (value) => change({ colour: value as Colour }));
  const points = makeChooser("Show", (value) =>
    change(({ filter }) => ({ filter: { ...filter, points: value as Points } })),
  );
  const facets = makeFacets(change);
  const all = [condition, layer, space, colour, points];
  return {
    element: h("div", { class: "choosers" }, ...all.map(({ element }) => element), facets.element),
    update(snapshot) {
      facets.update(snapshot);
      const { atlas, view } = snapshot;
      const { conditions } = atlas.attributes;
      const current = atlas.condition(view.condition);
      condition.set(
        conditions.map(({ key, name }) => [key, name]),
        view.condition,
        conditions.length < 2,
      );
      layer.set(
        current.layers.map((key) => [key, atlas.layer(key).name]),
        view.layer,
        view.space === "images" || current.layers.length < 2,
      );
      space.set(SPACE_NAMES, view.space);
      colour.set(
        coloursOf(atlas, current, view.space).map((key) => [key, COLOUR_NAMES[view.space][key] as string]),
        view.colour,
      );
      points.set(POINT_NAMES, view.filter.points);
    },
  };
}
