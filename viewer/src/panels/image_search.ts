/** Search for an image by its number or a part of its name. */

import { freshId, h } from "../dom";
import type { ChangeView, Snapshot } from "../state/snapshot";
import type { Panel } from "./panel";

const MOST_MATCHES = 40;

export function makeImageSearch(change: ChangeView): Panel {
  const list = h("datalist", { id: freshId("images") });
  const input = h("input", {
    type: "text",
    list: list.id,
    "aria-label": "Image",
    autocomplete: "off",
    spellcheck: "false",
  });
  const total = h("span", { class: "of" });
  let last: Snapshot | null = null;
  /** Whether the field holds an unfinished search. */
  let typing = false;
  const go = (by: number) => {
    if (!last) return;
    const count = last.atlas.attributes.n_images;
    change(({ image }) => ({ image: (image + by + count) % count, selection: [] }));
  };
  const offer = () => {
    if (!last) return;
    const images = findImages(last.atlas.names, input.value).slice(0, MOST_MATCHES);
    const { names, labels, attributes } = last.atlas;
    list.replaceChildren(
      ...images.map((image) =>
        h("option", { value: image }, `${names[image]} (${attributes.classes[labels[image]]})`),
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
    const [image] = findImages(last.atlas.names, input.value);
    if (image === undefined) input.setCustomValidity("No image has this number or name.");
    else {
      input.setCustomValidity("");
      change({ image, selection: [] });
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
      total,
      h(
        "button",
        { class: "icon", "aria-label": "Next image", title: "Next image", click: () => go(1) },
        "›",
      ),
    ),
    update(snapshot) {
      last = snapshot;
      if (!typing) input.value = String(snapshot.view.image);
      total.textContent = `of ${snapshot.atlas.attributes.n_images}`;
    },
  };
}

/** Find images: by their number first, then by the start of their number, otherwise by a part of their name. */
export function findImages(names: string[], text: string): number[] {
  const query = text.trim().toLowerCase();
  if (/^\d+$/.test(query) && Number(query) < names.length) {
    const longer = names.flatMap((_, image) =>
      String(image).startsWith(query) && String(image) !== query ? [image] : [],
    );
    return [Number(query), ...longer];
  }
  return names.flatMap((name, image) => (name.toLowerCase().includes(query) ? [image] : []));
}
