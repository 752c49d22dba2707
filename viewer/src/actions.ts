/** The buttons that belong to no panel: the address, files, theme, keys. */

import { h } from "./dom";
import { download, picturePng, pictureSvg } from "./save";
import type { Change, Shown } from "./shown";
import type { Stage } from "./stage";
import { pointLines } from "./tables";

export interface Actions {
  choose: Change;
  select(ids: number[]): void;
  current(): Shown | null;
  /** The address that keeps the view, where there is one. */
  address: (() => string) | null;
}

const THEMES = ["auto", "light", "dark"] as const;

export function headerButtons(
  root: HTMLElement,
  stage: Stage,
  actions: Actions,
  help: HTMLDialogElement,
  say: (text: string) => void,
): HTMLElement {
  const name = () => {
    const { view, run } = actions.current() as Shown;
    return `${run.layer(view.layer).name}-${view.condition}-${view.step}`.replace(/[^\w-]+/g, "_");
  };
  const theme = h(
    "button",
    {
      class: "quiet",
      "aria-label": "Theme: auto",
      click: () => {
        const next =
          THEMES[(THEMES.indexOf(root.dataset.theme as (typeof THEMES)[number]) + 1) % THEMES.length];
        root.dataset.theme = next;
        theme.textContent = theme.ariaLabel = `Theme: ${next}`;
        stage.refresh();
      },
    },
    "Theme: auto",
  );
  const buttons = [
    h(
      "button",
      {
        class: "quiet saves",
        title: "The points as shown, with the arrows, as PNG",
        click: () => void picturePng(stage).then((blob) => download(`${name()}.png`, [blob], "image/png")),
      },
      "Save picture",
    ),
    h(
      "button",
      {
        class: "quiet saves",
        title: "The same as SVG: arrows and names stay shapes and text",
        click: () => download(`${name()}.svg`, [pictureSvg(stage)], "image/svg+xml"),
      },
      "Save SVG",
    ),
    h(
      "button",
      {
        class: "quiet saves",
        title: "All points that are shown or chosen, as CSV",
        click: () => {
          const shown = actions.current();
          const visible = stage.scene()?.visible;
          if (shown && visible)
            download(`${name()}.csv`, [`${pointLines(shown, visible).join("\n")}\n`], "text/csv");
        },
      },
      "Save table",
    ),
  ];
  const { address } = actions;
  if (address)
    buttons.unshift(
      h(
        "button",
        {
          class: "quiet",
          title: "The address keeps what you see",
          click: () => {
            const here = address();
            const copied = navigator.clipboard?.writeText(here) ?? Promise.reject(new Error("no clipboard"));
            copied.then(
              () => say("The address is copied."),
              () => say("The address bar holds the address of this view."),
            );
          },
        },
        "Copy link",
      ),
    );
  return h(
    "div",
    { class: "actions" },
    ...buttons,
    theme,
    h(
      "button",
      { class: "quiet", "aria-haspopup": "dialog", title: "Keys (?)", click: () => help.showModal() },
      "Keys",
    ),
  );
}
