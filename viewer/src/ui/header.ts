/** The head of the page: its finding as the title, one definition, and the buttons. */

import { formatThreshold } from "../panels/formatting";
import { pointLines } from "../panels/points_csv";
import type { Atlas } from "../data/atlas";
import { h, s } from "../dom";
import type { Stage } from "../space/stage";
import type { Actions } from "./actions";
import { download, picturePng, pictureSvg } from "./export";

const THEMES = ["auto", "light", "dark"] as const;

export interface Header {
  element: HTMLElement;
  actions: HTMLElement;
  /** Show the finding of the study instead of its name. */
  setTitle(finding: string): void;
}

export function makeHeader(
  root: HTMLElement,
  atlas: Atlas,
  stage: Stage,
  actions: Actions,
  dialogs: { reading: HTMLDialogElement; keys: HTMLDialogElement },
): Header {
  const title = h("h1", {}, atlas.attributes.title);
  const open = (name: string, dialog: HTMLDialogElement, hint: string) =>
    h(
      "button",
      { class: "quiet", "aria-haspopup": "dialog", title: hint, click: () => dialog.showModal() },
      name,
    );
  return {
    element: h(
      "header",
      {},
      title,
      h("p", { class: "study" }, h("b", {}, "patternscope"), ` · ${atlas.attributes.title}`),
      definition(atlas),
    ),
    actions: h(
      "div",
      { class: "actions" },
      open("How to read", dialogs.reading, "What the rows, tiles, points and arrows mean"),
      shareButton(actions),
      exportMenu(stage, actions),
      themeButton(root, stage),
      open("Keys", dialogs.keys, "Keys (?)"),
    ),
    setTitle: (finding) => (title.textContent = finding),
  };
}

/** What a knowledge point is, in one sentence with a picture of one. */
function definition({ attributes }: Atlas): HTMLElement {
  const cells = Array.from({ length: 9 }, (_, cell) =>
    s("rect", { x: 1 + 7 * (cell % 3), y: 1 + 7 * Math.floor(cell / 3), width: 6, height: 6 }),
  );
  const icon = s(
    "svg",
    { viewBox: "0 0 22 22", class: "definition-icon", "aria-hidden": "true" },
    ...cells,
    s("rect", { class: "outlined", x: 8, y: 8, width: 13, height: 6 }),
  );
  return h(
    "p",
    { class: "definition" },
    icon,
    h(
      "span",
      {},
      h("b", {}, "Knowledge point: "),
      `a region from which one class is read with a probability above ${formatThreshold(attributes.tau)}; `,
      h("b", {}, "reliable"),
      " if it is the image's true class.",
    ),
  );
}

/** Milliseconds for which the button says that the link was copied. */
const COPIED = 2000;

function shareButton({ address, announce, current }: Actions): HTMLElement | null {
  if (!address) return null;
  const share = () => {
    const copied =
      navigator.clipboard?.writeText(address()) ?? Promise.reject(new Error("The page has no clipboard."));
    copied.then(
      () => {
        const selected = (current()?.view.selection.length ?? 0) > 0 && !address().includes("selection=");
        announce(selected ? "Link copied, without the selection, which is too long for it." : "Link copied.");
        button.textContent = "Link copied";
        setTimeout(() => (button.textContent = "Share"), COPIED);
      },
      () => announce("The link cannot be copied; it is in the address bar."),
    );
  };
  const button = h(
    "button",
    { class: "quiet", title: "Copy the address of this view", click: share },
    "Share",
  );
  return button;
}

function exportMenu(stage: Stage, actions: Actions): HTMLElement {
  const name = () => {
    const { view, atlas } = actions.current() as NonNullable<ReturnType<Actions["current"]>>;
    return `${atlas.layer(view.layer).name}-${view.condition}-${view.step}`.replace(/[^\w-]+/g, "_");
  };
  const saveTable = () => {
    const snapshot = actions.current();
    const visible = stage.scene()?.visible;
    if (snapshot && visible)
      download(`${name()}.csv`, [`${pointLines(snapshot, visible).join("\n")}\n`], "text/csv");
  };
  const save = (text: string, title: string, act: () => void) =>
    h("button", { class: "quiet saves", title, click: act }, text);
  const menu = h(
    "details",
    { class: "menu" },
    h("summary", { class: "quiet" }, "Export"),
    h(
      "div",
      { class: "menu-items" },
      save("Save picture", "The visible points with the arrows, as PNG", () =>
        picturePng(stage).then((blob) => download(`${name()}.png`, [blob], "image/png")),
      ),
      save("Save SVG", "The same picture as SVG: arrows and names stay shapes and text", () =>
        download(`${name()}.svg`, [pictureSvg(stage)], "image/svg+xml"),
      ),
      save("Save table", "All visible and selected points, as CSV", saveTable),
      save("Print", "The page on paper", () => window.print()),
    ),
  );
  menu.querySelector(".menu-items")?.addEventListener("click", () => (menu.open = false));
  menu.addEventListener("focusout", ({ relatedTarget }) => {
    if (!menu.contains(relatedTarget as Node | null)) menu.open = false;
  });
  menu.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") menu.open = false;
  });
  return menu;
}

function themeButton(root: HTMLElement, stage: Stage): HTMLElement {
  const next = () => {
    const theme = THEMES[(THEMES.indexOf(root.dataset.theme as (typeof THEMES)[number]) + 1) % THEMES.length];
    root.dataset.theme = theme;
    button.textContent = button.ariaLabel = `Theme: ${theme}`;
    stage.refresh();
  };
  const button = h("button", { class: "quiet", "aria-label": "Theme: auto", click: next }, "Theme: auto");
  return button;
}
