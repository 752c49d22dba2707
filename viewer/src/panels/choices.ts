/** Chips that show an image of a kind: typical, misclassified, fooled by an attack. */

import { CHOICES, readChoice, type Choice } from "../data/choices";
import { h } from "../dom";
import type { ChangeView, Snapshot } from "../state/snapshot";
import type { Panel } from "./panel";

const NAMES: Record<Choice, string> = {
  typical: "typical",
  wrong: "misclassified",
  fooled: "fooled by the attack",
};
const TITLES: Record<Choice, string> = {
  typical: "Next image that the network classifies correctly, the most typical evidence first",
  wrong: "Next image that the network misclassifies, the most wrong evidence first",
  fooled: "Next image that the attack turns into its target class",
};

export function makeChoices(change: ChangeView): Panel {
  let last: Snapshot | null = null;
  let listed = "";
  let images: Partial<Record<Choice, number[]>> = {};
  const choose = (choice: Choice) => {
    if (!last) return;
    const of = images[choice] ?? [];
    const { atlas } = last;
    const attack = atlas.attributes.conditions.find(({ kind }) => kind === "attack");
    const there =
      choice === "fooled" && attack ? { condition: attack.key, step: attack.steps.length - 1 } : {};
    change(({ image }) => ({ ...there, image: of[(of.indexOf(image) + 1) % of.length], selection: [] }));
  };
  const chips = CHOICES.map((choice) => ({
    choice,
    button: h(
      "button",
      { class: "chip", title: TITLES[choice], hidden: true, click: () => choose(choice) },
      NAMES[choice],
    ),
  }));
  const show = ({ atlas, view }: Snapshot) => {
    const { kind } = atlas.condition(view.condition);
    for (const { choice, button } of chips) {
      const of = images[choice];
      button.hidden = !of?.length;
      const shown = of?.includes(view.image) && kind === (choice === "fooled" ? "attack" : "training");
      button.setAttribute("aria-pressed", String(shown ?? false));
    }
  };
  const list = async (snapshot: Snapshot) => {
    const { atlas, view } = snapshot;
    const attack = atlas.attributes.conditions.find(({ kind }) => kind === "attack") ?? null;
    const layer = atlas.attributes.conditions[0].layers.includes(view.layer)
      ? view.layer
      : atlas.attributes.conditions[0].layers[0];
    const read = await Promise.all(
      CHOICES.map((choice) => readChoice(atlas, choice, layer, attack).catch(() => [])),
    );
    images = Object.fromEntries(CHOICES.map((choice, index) => [choice, read[index]]));
    if (last) show(last);
  };
  return {
    element: h(
      "div",
      { class: "choices", role: "group", "aria-label": "Images to look at" },
      ...chips.map(({ button }) => button),
    ),
    update(snapshot) {
      last = snapshot;
      if (listed !== snapshot.view.layer) void list(snapshot);
      listed = snapshot.view.layer;
      show(snapshot);
    },
  };
}
