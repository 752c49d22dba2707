/** Search for an image by its number or a part of its name, or for images of a class ("bus", "bus as car"). */

import { freshId, h } from "../dom";
import type { ChangeView, Snapshot } from "../state/snapshot";
import { showImages } from "./gallery";
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
  /** Whether the field contains an unfinished search. */
  let typing = false;
  const go = (by: number) => {
    if (!last) return;
    const count = last.atlas.attributes.n_images;
    change(({ image }) => ({ image: (image + by + count) % count, selection: [] }));
  };
  const offer = () => {
    if (!last) return;
    const { names, labels, attributes } = last.atlas;
    const images = findImages(names, input.value).slice(0, MOST_MATCHES);
    list.replaceChildren(
      ...offerClasses(attributes.classes, input.value)
        .slice(0, MOST_MATCHES)
        .map(([value, text]) => h("option", { value }, text)),
      ...images.map((image) =>
        h("option", { value: image }, `${names[image]} (${attributes.classes[labels[image]]})`),
      ),
    );
  };
  const goToClasses = (snapshot: Snapshot, { truth, predicted }: ClassQuery) => {
    const facets = { classes: [truth], regions: predicted === null ? [] : [predicted] };
    change((view) => showImages({ ...snapshot, view }, facets, predicted === null ? view.sort : "regions"));
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
    const { names, attributes } = last.atlas;
    const classes = findClasses(attributes.classes, input.value);
    const [image] = findImages(names, input.value);
    input.setCustomValidity("");
    if (classes) goToClasses(last, classes);
    else if (image !== undefined) change({ image, selection: [] });
    else input.setCustomValidity("No image has this number, name or class.");
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

/** Images of one class whose regions predict another one; null for whatever they predict. */
export interface ClassQuery {
  truth: number;
  predicted: number | null;
}

const AS = " as ";

/** The classes that a text names: "bus", or "bus as car"; null if it names none. */
export function findClasses(classes: string[], text: string): ClassQuery | null {
  const names = classes.map((name) => name.toLowerCase());
  const query = text.trim().toLowerCase();
  const whole = names.indexOf(query);
  if (whole >= 0) return { truth: whole, predicted: null };
  // A name may itself contain " as ".
  for (let at = query.indexOf(AS); at >= 0; at = query.indexOf(AS, at + 1)) {
    const [truth, predicted] = [
      names.indexOf(query.slice(0, at)),
      names.indexOf(query.slice(at + AS.length)),
    ];
    if (truth >= 0 && predicted >= 0) return { truth, predicted };
  }
  return null;
}

/** Texts that complete what is typed to names of classes, with what they mean. */
function offerClasses(classes: string[], text: string): [value: string, meaning: string][] {
  const query = text.trimStart().toLowerCase();
  const truth = classes.find((name) => query.startsWith(name.toLowerCase() + AS));
  if (truth)
    return classes
      .filter((name) => name.toLowerCase().startsWith(query.slice(truth.length + AS.length)))
      .map((name) => [`${truth}${AS}${name}`, `images of ${truth} with regions that predict ${name}`]);
  return classes
    .filter((name) => name.toLowerCase().includes(query))
    .map((name) => [name, `all images of ${name}; add "as" and another class for regions that predict it`]);
}
