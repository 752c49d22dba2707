/**
 * Entry point of the notebook widget (anywidget): bytes from the kernel, four traits synchronised both ways, and
 * pictures that Python analyses.
 */

import type { Atlas } from "../data/atlas";
import { kernelLook } from "../data/look";
import { kernelStore, type Model } from "../data/store";
import { makeLook } from "../panels/look";
import type { View } from "../state/view";
import { showAtlas } from "./open";
import type { Viewer } from "./viewer";

/** Python uses the names of layers and conditions, the store their keys. */
const TRAITS = ["step", "layer", "condition", "selection"] as const;

function toTraits(view: View, atlas: Atlas): Record<(typeof TRAITS)[number], unknown> {
  const selection = view.space === "regions" ? view.selection : [];
  return {
    step: view.step,
    layer: atlas.layer(view.layer).name,
    condition: atlas.condition(view.condition).name,
    selection,
  };
}

function fromTraits(model: Model, atlas: Atlas, names: readonly string[] = TRAITS): Partial<View> {
  const keyOf = <T extends { name: string; key: string }>(all: T[], name: unknown) =>
    all.find((item) => item.name === name)?.key;
  const changes: Partial<View> = {};
  const read = (name: string) => (names.includes(name) ? model.get(name) : undefined);
  const layer = keyOf(atlas.attributes.layers, read("layer"));
  const condition = keyOf(atlas.attributes.conditions, read("condition"));
  const [step, selection] = [read("step"), read("selection")];
  if (condition) changes.condition = condition;
  if (layer) changes.layer = layer;
  if (Number.isInteger(step)) changes.step = step as number;
  if (Array.isArray(selection)) {
    changes.selection = selection as number[];
    if (selection.length) changes.space = "regions";
  }
  return changes;
}

/** Set the traits that differ. */
function setTraits(model: Model, view: View, atlas: Atlas): void {
  const differing = Object.entries(toTraits(view, atlas)).filter(
    ([name, value]) => JSON.stringify(model.get(name)) !== JSON.stringify(value),
  );
  for (const [name, value] of differing) model.set(name, value);
  if (differing.length) model.save_changes();
}

async function render({ model, el }: { model: Model; el: HTMLElement }): Promise<() => void> {
  const root = document.createElement("div");
  root.className = "patternscope-atlas in-notebook";
  el.append(root);
  const store = kernelStore(model);
  let viewer: Viewer | null = null;
  let setting = false;
  viewer = await showAtlas(root, store.get, {
    address: false,
    onChange(view, atlas) {
      if (!viewer) return;
      setting = true;
      setTraits(model, view, atlas);
      setting = false;
    },
  });
  const listeners = TRAITS.map((name) => ({
    event: `change:${name}`,
    follow: () => {
      if (viewer && !setting) void viewer.change(fromTraits(model, viewer.atlas, [name]));
    },
  }));
  for (const { event, follow } of listeners) model.on(event, follow);
  if (viewer) await viewer.change(fromTraits(model, viewer.atlas));
  const looking = viewer && model.get("looks") ? kernelLook(model) : null;
  if (viewer && looking) {
    const { change, snapshot } = viewer;
    root.prepend(makeLook(looking.ask, snapshot, (changes) => void change(changes)));
  }
  return () => {
    looking?.close();
    for (const { event, follow } of listeners) model.off(event, follow);
    store.close();
    viewer?.destroy();
    root.remove();
  };
}

export default { render };
