/** Choosing an image by its number or a part of its name. */

import { freshId, h } from "./dom";
import type { Change, Panel, Shown } from "./shown";

const OFFERED = 40;

export function imageSearch(change: Change): Panel {
  const list = h("datalist", { id: freshId("images") });
  const input = h("input", {
    type: "text",
    list: list.id,
    "aria-label": "Image",
    autocomplete: "off",
    spellcheck: "false",
  });
  const of = h("span", { class: "of" });
  let last: Shown | null = null;
  /** Whether the field holds what somebody is about to ask for. */
  let typing = false;
  const go = (by: number) => {
    if (!last) return;
    const count = last.run.attributes.n_images;
    change(({ image }) => ({ image: (image + by + count) % count, selection: [] }));
  };
  const offer = () => {
    if (!last) return;
    const found = matches(last.run.names, input.value).slice(0, OFFERED);
    const { names, labels, attributes } = last.run;
    list.replaceChildren(
      ...found.map((each) =>
        h("option", { value: each }, `${names[each]} (${attributes.classes[labels[each]]})`),
      ),
    );
  };
  input.addEventListener("focus", () => input.select());
  input.addEventListener("input", () => {
    typing = true;
    offer();
  });
  input.addEventListener("blur", () => {
    typing = false;
    if (last) input.value = String(last.view.image);
  });
  input.addEventListener("change", () => {
    typing = false;
    if (!last || !input.value.trim()) return void (input.value = String(last?.view.image ?? ""));
    const [found] = matches(last.run.names, input.value);
    if (found === undefined) input.setCustomValidity("No image has this number or name.");
    else {
      input.setCustomValidity("");
      change({ image: found, selection: [] });
    }
    input.reportValidity();
  });
  return {
    element: h(
      "div",
      { class: "search" },
      h(
        "button",
        { class: "icon", "aria-label": "Previous image", title: "Previous image", click: () => go(-1) },
        "‹",
      ),
      input,
      list,
      of,
      h(
        "button",
        { class: "icon", "aria-label": "Next image", title: "Next image", click: () => go(1) },
        "›",
      ),
    ),
    update(shown) {
      last = shown;
      if (!typing) input.value = String(shown.view.image);
      of.textContent = `of ${shown.run.attributes.n_images}`;
    },
  };
}

/** Images whose number this is, else those whose number begins so or whose name has it in it. */
export function matches(names: string[], text: string): number[] {
  const wanted = text.trim().toLowerCase();
  if (/^\d+$/.test(wanted) && Number(wanted) < names.length) {
    const begin = names.flatMap((_, each) =>
      String(each).startsWith(wanted) && String(each) !== wanted ? [each] : [],
    );
    return [Number(wanted), ...begin];
  }
  return names.flatMap((name, each) => (name.toLowerCase().includes(wanted) ? [each] : []));
}
