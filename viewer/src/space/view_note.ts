/** How much of the separation of classes the view of the space shows, and which pairs it hides. */

import { EXACT_CLASSES, rowsOf, shownShare, turnedAxes } from "../data/linear_view";
import { TOGETHER, type HiddenPair } from "../data/separation";
import { h } from "../dom";
import { viewRows } from "../state/camera";
import { separatedClasses } from "../state/facets";
import type { Snapshot } from "../state/snapshot";
import type { Viewpoint } from "./class_view";
import type { Stage } from "./stage";

/** The properties of a view. */
export interface ViewFacts {
  /** The classes that it separates. */
  classes: number[];
  /** Whether everything that separates these is in its axes. */
  exact: boolean;
  /** Shares of the variance between mean directions on the screen, and with depth. */
  screen: number;
  depth: number;
  /** Pairs that overlap on the screen and are apart in space. */
  hidden: HiddenPair[];
}

const MOST_PAIRS = 3;
const REST = 180;

export function viewFacts(stage: Stage, snapshot: Snapshot, viewpoint: Viewpoint): ViewFacts | null {
  const seen = stage.seen();
  const { frame, view, atlas } = snapshot;
  if (!seen || !frame) return null;
  const { camera, axes } = seen;
  const dimensions = axes[0].length;
  const chosen = camera.classes ?? separatedClasses(view.filter);
  const classes = chosen.length ? chosen : atlas.attributes.classes.map((_, label) => label);
  const values = view.space === "images" ? frame.sampleDirections : frame.directions;
  const rows = rowsOf(values, dimensions);
  const directions = classes.map((label) => rows[label]);
  const turned = turnedAxes(axes, viewRows(camera));
  const pairs = viewpoint.separation(frame, view.space, chosen).seenAlong(turned);
  return {
    classes,
    exact: dimensions <= 3 || (classes.length <= EXACT_CLASSES && camera.axes === null),
    screen: shownShare(directions, turned.slice(0, 2)),
    depth: shownShare(directions, turned),
    hidden: pairs.filter(({ screen }) => screen < TOGETHER).sort((one, other) => one.screen - other.screen),
  };
}

export interface ViewNote {
  element: HTMLElement;
  /** Update it once the view rests. */
  update(): void;
}

export function makeViewNote(
  facts: () => ViewFacts | null,
  names: string[],
  fly: (classes: number[]) => void,
): ViewNote {
  const element = h("p", { class: "view-note", "aria-live": "polite" });
  let timer = 0;
  let said = "";
  const say = () => {
    const now = facts();
    const key = JSON.stringify(now);
    if (key === said) return;
    said = key;
    element.replaceChildren(...(now ? sentences(now, names, fly) : []));
  };
  return {
    element,
    update() {
      clearTimeout(timer);
      timer = window.setTimeout(say, REST);
    },
  };
}

function sentences(facts: ViewFacts, names: string[], fly: (classes: number[]) => void): (Node | string)[] {
  const { hidden } = facts;
  const parts: (Node | string)[] = [shownText(facts, names)];
  if (!hidden.length) return parts;
  parts.push(" Overlapping on the screen, apart in all dimensions: ");
  for (const [place, pair] of hidden.slice(0, MOST_PAIRS).entries())
    parts.push(place ? ", " : "", pairButton(pair, names, fly));
  if (hidden.length > MOST_PAIRS) parts.push(` and ${hidden.length - MOST_PAIRS} more`);
  return [...parts, "."];
}

function shownText({ classes, exact, screen, depth }: ViewFacts, names: string[]): string {
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const all = classes.length === names.length;
  const which = all ? "all classes" : classes.map((label) => names[label]).join(", ");
  if (exact && !all) return `Exact view of ${which}: everything that separates them is in these axes.`;
  if (exact)
    return `Everything that separates the classes is in these axes: ${percent(screen)} of it on the screen.`;
  return `The screen shows ${percent(screen)} of what separates ${which} (variance between their mean directions), with depth ${percent(depth)}.`;
}

function pairButton(
  { classes, space, screen }: HiddenPair,
  names: string[],
  fly: (classes: number[]) => void,
) {
  const [one, other] = classes.map((label) => names[label]);
  const title = `A line on the screen separates ${Math.round(100 * screen)} % of their points, one in all dimensions ${Math.round(100 * space)} %`;
  return h(
    "button",
    { class: "link", type: "button", title, click: () => fly([...classes]) },
    `show ${one} and ${other}`,
  );
}
