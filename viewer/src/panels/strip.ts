/** One image through depth and training: a tile per layer and step, with its points and its evidence. */

import { readTile, spread } from "../data/tiles";
import { h, replaceText, widthOf } from "../dom";
import type { ChangeView, Snapshot } from "../state/snapshot";
import { makeChoices } from "./choices";
import { axisLabels, stepLabel } from "./formatting";
import type { Panel } from "./panel";
import { makePicture, type Picture } from "./picture";

/** Pixels of the names of layers, between tiles, and of the longer side of a tile. */
const NAMES = 62,
  GAP = 4,
  SMALLEST = 42,
  LARGEST = 84;
/** Layers beyond which only some have tiles. */
const MOST_LAYERS = 6;

interface TileView {
  layer: string;
  step: number;
  picture: Picture;
}

/** Layers from the deepest down and steps that have tiles, and the longer side of a tile. */
interface Plan {
  layers: string[];
  steps: number[];
  side: number;
}

export function makeStrip(change: ChangeView): Panel {
  const title = h("h2", {}, "One image through depth and training");
  const choices = makeChoices(change);
  const grid = h("div", {
    class: "tiles",
    tabindex: 0,
    role: "group",
    "aria-label":
      "The image in each layer and at several steps. Left and right change the step, up and down the layer.",
  });
  const said = h("p", { class: "unseen", "aria-live": "polite" });
  let last: Snapshot | null = null;
  let tiles: TileView[] = [];
  let planned = "";
  let drawn = "";
  const update = (snapshot: Snapshot) => {
    last = snapshot;
    const { atlas, view } = snapshot;
    choices.update(snapshot);
    title.textContent =
      atlas.condition(view.condition).kind === "attack"
        ? "One image through depth and attack"
        : "One image through depth and training";
    if (!width()) return;
    const plan = planOf(snapshot, width());
    const planning = JSON.stringify([view.condition, plan]);
    if (planning !== planned) {
      [planned, drawn] = [planning, ""];
      tiles = layOut(grid, snapshot, plan);
    }
    markTiles(grid, tiles, snapshot);
    replaceText(
      said,
      `${atlas.layer(view.layer).name}, ${stepLabel(atlas.condition(view.condition), view.step)}`,
    );
    if (drawn !== String(view.image))
      void drawTiles(tiles, snapshot, plan.side, () => last?.view.image !== view.image);
    drawn = String(view.image);
  };
  const width = widthOf(grid, () => last && update(last));
  grid.addEventListener("click", ({ target }) => {
    const tile = tiles.find(({ picture }) => picture.element.contains(target as Node));
    if (tile) change({ layer: tile.layer, step: tile.step });
  });
  grid.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 0], ArrowDown: [-1, 0] }[event.key];
    if (!by || !last) return;
    event.preventDefault();
    const { atlas } = last;
    change(({ condition, layer, step }) => {
      const { layers } = atlas.condition(condition);
      const next = Math.min(layers.length - 1, Math.max(0, layers.indexOf(layer) + by[0]));
      return { layer: layers[next], step: step + by[1] };
    });
  });
  return {
    element: h("div", { class: "strip" }, h("div", { class: "tabbar" }, title, choices.element), grid, said),
    update,
  };
}

function planOf({ atlas, view }: Snapshot, width: number): Plan {
  const { layers, steps } = atlas.condition(view.condition);
  const room = width - NAMES;
  const columns = Math.max(1, Math.floor((room + GAP) / (SMALLEST + GAP)));
  const shown = spread(steps.length, columns);
  return {
    layers: spread(layers.length, MOST_LAYERS)
      .map((index) => layers[index])
      .reverse(),
    steps: shown,
    side: Math.min(LARGEST, Math.floor((room + GAP) / shown.length) - GAP),
  };
}

/** Fill the grid with a row of tiles per layer, above the names of the steps. */
function layOut(grid: HTMLElement, { atlas, view }: Snapshot, { layers, steps, side }: Plan): TileView[] {
  const label = axisLabels(atlas.condition(view.condition));
  const tiles = layers.flatMap((layer) => steps.map((step) => ({ layer, step, picture: makePicture() })));
  grid.style.gridTemplateColumns = `${NAMES}px repeat(${steps.length}, ${side}px)`;
  grid.replaceChildren(
    ...layers.flatMap((layer) => [
      h("span", { class: "tile-layer", "data-layer": layer }, atlas.layer(layer).name),
      ...tiles.filter((tile) => tile.layer === layer).map(({ picture }) => picture.element),
    ]),
    h("span", {}),
    ...steps.map((step) => h("span", { class: "tile-step" }, label(step))),
  );
  return tiles;
}

/** Mark the tile of the view. */
function markTiles(grid: HTMLElement, tiles: TileView[], { atlas, view }: Snapshot): void {
  const condition = atlas.condition(view.condition);
  for (const { layer, step, picture } of tiles) {
    const here = layer === view.layer && step === view.step;
    picture.element.classList.toggle("here", here);
    picture.element.title = `${atlas.layer(layer).name}, ${stepLabel(condition, step)}`;
  }
  for (const name of grid.querySelectorAll<HTMLElement>(".tile-layer"))
    name.classList.toggle("here", name.dataset.layer === view.layer);
}

/** Draw the tiles one after the other, so that the page stays quick. */
async function drawTiles(
  tiles: TileView[],
  { atlas, view, clean, attacked }: Snapshot,
  side: number,
  outdated: () => boolean,
): Promise<void> {
  const [height, width] = atlas.attributes.image_size;
  const scale = side / Math.max(height, width);
  const { key } = atlas.condition(view.condition);
  const most = atlas.attributes.evidence?.most ?? 1;
  for (const { layer, step, picture } of tiles) {
    const tile = await readTile(atlas, { condition: key, layer, step });
    if (outdated()) return;
    picture.show({
      image: view.image,
      thumbnails: attacked?.at(step).images ?? clean,
      size: [Math.round(height * scale), Math.round(width * scale)],
      grid: atlas.grid(key, layer),
      frame: tile,
      heat: tile?.bits ? { ...tile.bits, most } : null,
      selected: null,
      highlighted: new Set(),
      importance: null,
    });
    // Only pictures whose regions can be clicked carry the number of their image.
    delete picture.element.dataset.image;
  }
}
