/** The rail: five questions, each a link to the view that answers it, with the answer in one sentence. */

import { h } from "../dom";
import { toAddress } from "../state/address";
import type { Snapshot } from "../state/snapshot";
import type { Actions } from "./actions";
import type { StoryLink } from "../panels/story";

export interface Rail {
  element: HTMLElement;
  show(links: StoryLink[]): void;
  update(snapshot: Snapshot): void;
}

export function makeRail({ change, current, address }: Actions): Rail {
  const list = h("ul", {});
  let shown: { link: HTMLAnchorElement; view: StoryLink["view"] }[] = [];
  const update = ({ view }: Snapshot) => {
    for (const { link, view: target } of shown) {
      const here = Object.entries(target).every(
        ([name, value]) => JSON.stringify(view[name as keyof typeof view]) === JSON.stringify(value),
      );
      if (here) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      if (address) link.href = `#${toAddress({ ...view, ...target })}`;
    }
  };
  return {
    element: h("nav", { class: "rail", "aria-label": "Questions" }, list),
    show(links) {
      shown = links.map(({ question, answer, view }) => {
        const follow = (event: MouseEvent) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          change(view);
        };
        const link = h("a", { href: "#", click: follow }, h("b", {}, question), h("span", {}, answer));
        return { link, view };
      });
      list.replaceChildren(...shown.map(({ link }) => h("li", {}, link)));
      const snapshot = current();
      if (snapshot) update(snapshot);
    },
    update,
  };
}
