/** The notebook widget (anywidget): bytes from the kernel, and four traits kept in step both ways. */

import { openAtlas } from "./open";
import type { Run } from "./run";
import type { View } from "./state";
import { kernelStore, type Model } from "./store";
import type { Viewer } from "./viewer";

/** Layers and conditions have names in Python and keys in the store. */
const TRAITS = ["step", "layer", "condition", "selection"] as const;

function toTraits(view: View, run: Run): Record<(typeof TRAITS)[number], unknown> {
  const selection = view.space === "regions" ? view.selection : [];
  return {
    step: view.step,
    layer: run.layer(view.layer).name,
    condition: run.condition(view.condition).name,
    selection,
  };
}

function fromTraits(model: Model, run: Run, names: readonly string[] = TRAITS): Partial<View> {
  const named = <T extends { name: string; key: string }>(all: T[], name: unknown) =>
    all.find((each) => each.name === name)?.key;
  const changes: Partial<View> = {};
  const given = (name: string) => (names.includes(name) ? model.get(name) : undefined);
  const layer = named(run.attributes.layers, given("layer"));
  const condition = named(run.attributes.conditions, given("condition"));
  const [step, selection] = [given("step"), given("selection")];
  if (condition) changes.condition = condition;
  if (layer) changes.layer = layer;
  if (Number.isInteger(step)) changes.step = step as number;
  if (Array.isArray(selection)) {
    changes.selection = selection as number[];
    if (selection.length) changes.space = "regions";
  }
  return changes;
}

/** Give the model what differs from what it has. */
function tell(model: Model, view: View, run: Run): void {
  const differing = Object.entries(toTraits(view, run)).filter(
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
  let telling = false;
  viewer = await openAtlas(root, store.get, {
    address: false,
    changed(view, run) {
      if (!viewer) return;
      telling = true;
      tell(model, view, run);
      telling = false;
    },
  });
  const following = TRAITS.map((name) => ({
    event: `change:${name}`,
    follow: () => {
      if (viewer && !telling) void viewer.change(fromTraits(model, viewer.run, [name]));
    },
  }));
  for (const { event, follow } of following) model.on(event, follow);
  if (viewer) await viewer.change(fromTraits(model, viewer.run));
  return () => {
    for (const { event, follow } of following) model.off(event, follow);
    store.close();
    viewer?.destroy();
    root.remove();
  };
}

export default { render };
