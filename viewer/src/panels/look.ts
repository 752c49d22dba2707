/** A new picture, dropped or chosen: the evidence of each layer, its patterns, and the most similar known regions. */

import type { AskLook, Look, Looked, LookedLayer } from "../data/look";
import type { Grid } from "../data/format";
import { h } from "../dom";
import type { ChangeView, Snapshot } from "../state/snapshot";
import { outlineBox } from "./box_outline";
import { formatBits, formatNumber, formatP } from "./formatting";
import { regionPatch } from "./pattern_patch";

/** Largest file that is sent, in bytes: Jupyter closes a connection whose message is beyond 10 MiB. */
const LARGEST = 9.5e6;
/** Pixels of the picture of a layer. */
const SIZE = 92;
/** Patterns of a layer that are named. */
const PATTERNS = 3;

export function makeLook(ask: AskLook, current: () => Snapshot | null, change: ChangeView): HTMLElement {
  const status = h("p", { role: "status", class: "look-status" });
  const result = h("div", { class: "look-result" });
  const file = h("input", {
    type: "file",
    accept: "image/*",
    hidden: true,
    change: () => {
      const [chosen] = file.files ?? [];
      if (chosen) void show(chosen);
      // The same file can be chosen again.
      file.value = "";
    },
  });
  const choose = h("button", { class: "tool wide", click: () => file.click() }, "Choose a file");
  const clear = h("button", { class: "small", hidden: true, click: () => reset() }, "Close");
  const zone = h(
    "div",
    { class: "look-zone" },
    h("b", {}, "A new picture"),
    h("span", {}, "Drop one here, or"),
    choose,
    file,
    clear,
  );
  const element = h("section", { class: "look", "aria-label": "A new picture" }, zone, status, result);
  let number = 0;
  const reset = () => {
    number++;
    clear.hidden = true;
    status.textContent = "";
    result.replaceChildren();
  };
  const show = async (chosen: File) => {
    reset();
    const own = number;
    if (chosen.size > LARGEST)
      return void (status.textContent = `${chosen.name}: expected at most ${LARGEST / 1e6} MB, got ${Math.ceil(chosen.size / 1e6)} MB.`);
    status.textContent = `${chosen.name}: analysing …`;
    clear.hidden = false;
    try {
      const looked = await ask(await chosen.arrayBuffer());
      const picture = await createImageBitmap(new Blob([looked.picture], { type: "image/png" }));
      const snapshot = current();
      if (own !== number || !snapshot) return;
      status.textContent = sentence(chosen.name, looked.look, snapshot);
      result.replaceChildren(...rows(looked, picture, snapshot, change));
    } catch (error) {
      if (own === number) status.textContent = `${chosen.name}: ${(error as Error).message}`;
    }
  };
  listenToDrops(zone, (dropped) => void show(dropped));
  return element;
}

/** A drop is for the page alone: the notebook around it must not see it. */
function listenToDrops(zone: HTMLElement, take: (file: File) => void): void {
  const own = (event: DragEvent, over: boolean) => {
    event.preventDefault();
    event.stopPropagation();
    zone.classList.toggle("over", over);
  };
  zone.addEventListener("dragenter", (event) => own(event, true));
  zone.addEventListener("dragover", (event) => own(event, true));
  zone.addEventListener("dragleave", (event) => own(event, false));
  zone.addEventListener("drop", (event) => {
    own(event, false);
    const [dropped] = event.dataTransfer?.files ?? [];
    if (dropped) take(dropped);
  });
}

/** The network's prediction, and the layer with the most evidence of that class. */
export function sentence(
  name: string,
  { predicted, probability, layers }: Look,
  { atlas }: Pick<Snapshot, "atlas">,
): string {
  const { classes } = atlas.attributes;
  const [best] = [...layers].sort((one, other) => other.bits_of_predicted - one.bits_of_predicted);
  const told = best
    ? ` ${best.layer} has the most evidence of it: ${formatBits(best.bits_of_predicted)} bits per region.`
    : "";
  return `${name}: the network predicts ${classes[predicted]}, ${formatP(probability)}.${told} One picture has no interval.`;
}

function rows({ look }: Looked, picture: ImageBitmap, snapshot: Snapshot, change: ChangeView): Node[] {
  const name = snapshot.atlas.attributes.classes[look.predicted];
  return [
    ...[...look.layers].reverse().map((layer) => row(layer, look, picture, snapshot, change)),
    h(
      "p",
      { class: "key" },
      `Bright regions: where ${name} is probable; box: the most probable region. Next to it: the regions of the study's images with the nearest embeddings; press one to see it. Patterns: the number of regions like each, and by chance.`,
    ),
  ];
}

function row(
  layer: LookedLayer,
  { predicted }: Look,
  picture: ImageBitmap,
  snapshot: Snapshot,
  change: ChangeView,
): HTMLElement {
  const { classes } = snapshot.atlas.attributes;
  const told = [layer.most, ...(layer.most === predicted ? [] : [predicted])].map((label, place) =>
    h("li", {}, `${formatBits(place ? layer.bits_of_predicted : layer.bits)} bits for ${classes[label]}`),
  );
  const points = `${layer.points} of ${layer.probability.length} regions are points`;
  const patterns = layer.patterns
    ?.slice(0, PATTERNS)
    .map(({ title, regions, expected }) =>
      h("li", {}, `pattern ${title}: ${regions}, chance ${formatNumber(expected)}`),
    );
  const none = layer.patterns?.length === 0 && h("li", {}, "no pattern more than by chance");
  return h(
    "div",
    { class: "look-row" },
    h("h3", {}, layer.layer),
    probabilityMap(layer, picture, classes[predicted]),
    h("ul", {}, ...told, h("li", {}, points), ...(patterns ?? []), none),
    h("div", { class: "look-near" }, ...layer.near.map((near) => nearRegion(near, layer, snapshot, change))),
  );
}

function nearRegion(
  { image, region, label, distance }: LookedLayer["near"][number],
  { layer, grid }: LookedLayer,
  snapshot: Snapshot,
  change: ChangeView,
): HTMLElement {
  const { atlas } = snapshot;
  const caption = h("span", {}, atlas.attributes.classes[label]);
  if (image === null) return h("div", { title: "The atlas does not draw this image" }, caption);
  const { key } = atlas.attributes.layers.find(({ name }) => name === layer) ?? { key: "" };
  const [training] = atlas.attributes.conditions;
  const go = () =>
    change({
      condition: training.key,
      step: training.steps.length - 1,
      layer: key,
      space: "regions",
      image,
      selection: [image * grid[0] * grid[1] + region],
    });
  const more = `, at ${formatNumber(distance)} of the layer's mean strength`;
  return h("div", {}, regionPatch(snapshot, { image, region, grid, field: null }, go, more), caption);
}

/** The picture, dark where the predicted class is improbable, with a box around its most probable region. */
function probabilityMap(
  { grid, probability, region }: LookedLayer,
  picture: ImageBitmap,
  name: string,
): HTMLElement {
  const canvas = h("canvas", {
    width: 2 * SIZE,
    height: 2 * SIZE,
    role: "img",
    "aria-label": `Probability of ${name} at each region, at most ${formatP(Math.max(...probability))}`,
  });
  const context = canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const cell = cellOf(grid, canvas.width);
  probability.forEach((p, place) => {
    context.fillStyle = `rgb(0 0 0 / ${(0.7 * (1 - p)).toFixed(3)})`;
    context.fillRect(...cell(place));
  });
  outlineBox(context, cell(region));
  return canvas;
}

/** Left, top, width and height of a region in a square picture. */
function cellOf([rows, columns]: Grid, size: number): (place: number) => [number, number, number, number] {
  const [wide, high] = [size / columns, size / rows];
  return (place) => [(place % columns) * wide, Math.floor(place / columns) * high, wide, high];
}
