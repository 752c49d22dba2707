/** The buttons of the header: link, files, theme, keys. */

import { h } from "../dom";
import { pointLines } from "../panels/points_csv";
import type { Stage } from "../space/stage";
import type { ChangeView, Snapshot } from "../state/snapshot";
import { download, picturePng, pictureSvg } from "./export";

export interface Actions {
  change: ChangeView;
  select(ids: number[]): void;
  current(): Snapshot | null;
  /** The address with the view; null in a notebook. */
  address: (() => string) | null;
}

const THEMES = ["auto", "light", "dark"] as const;

export function headerButtons(
  root: HTMLElement,
  stage: Stage,
  actions: Actions,
  help: HTMLDialogElement,
  announce: (text: string) => void,
): HTMLElement {
  const name = () => {
    const { view, atlas } = actions.current() as Snapshot;
    return `${atlas.layer(view.layer).name}-${view.condition}-${view.step}`.replace(/[^\w-]+/g, "_");
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
        title: "The visible points with the arrows, as PNG",
        click: () => void picturePng(stage).then((blob) => download(`${name()}.png`, [blob], "image/png")),
      },
      "Save picture",
    ),
    h(
      "button",
      {
        class: "quiet saves",
        title: "The same picture as SVG: arrows and names stay shapes and text",
        click: () => download(`${name()}.svg`, [pictureSvg(stage)], "image/svg+xml"),
      },
      "Save SVG",
    ),
    h(
      "button",
      {
        class: "quiet saves",
        title: "All visible and selected points, as CSV",
        click: () => {
          const snapshot = actions.current();
          const visible = stage.scene()?.visible;
          if (snapshot && visible)
            download(`${name()}.csv`, [`${pointLines(snapshot, visible).join("\n")}\n`], "text/csv");
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
          title: "Copy the address of this view",
          click: () => {
            const link = address();
            const copied = navigator.clipboard?.writeText(link) ?? Promise.reject(new Error("no clipboard"));
            copied.then(
              () => announce("Link copied."),
              () => announce("The link cannot be copied; it is in the address bar."),
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
