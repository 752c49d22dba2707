/** What became of the knowledge points since an earlier step: flows with counts and bits, and per class; each filters. */

import type { Condition } from "../data/format";
import type { Frame } from "../data/frame";
import { countLedger, readFlows, SINCE, startOf, type Flows, type Ledger } from "../data/ledger";
import { h, widthOf } from "../dom";
import { isFlow, NO_FILTER } from "../state/facets";
import type { ChangeView, Snapshot } from "../state/snapshot";
import type { View } from "../state/view";
import { formatNumber, formatPercent, stepLabel } from "./formatting";
import { releaseImages, showImages } from "./gallery";
import { classBars } from "./ledger_classes";
import { flowDiagram, flowTable, type ChooseFlow, type Ends } from "./ledger_flows";
import type { Panel } from "./panel";

export function makeLedger(change: ChangeView): Panel {
  let last: Snapshot | null = null;
  let read: {
    frame: Frame;
    since: View["filter"]["since"];
    ledger: Ledger | null;
    flows: Flows | null;
  } | null = null;
  const choose: ChooseFlow = (flow, was = [], regions = []) => {
    if (!last) return;
    const snapshot = last;
    const again = isFlow(snapshot.view.filter, flow, was, regions);
    const facets = again ? { flow: NO_FILTER.flow, was: [], regions: [] } : { flow, was, regions };
    change((view) =>
      again ? releaseImages(view, facets) : showImages({ ...snapshot, view }, facets, "regions"),
    );
  };
  const title = h("p", { class: "finding" });
  const buttons = SINCE.map((since) =>
    h(
      "button",
      { click: () => change(({ filter }) => ({ filter: { ...filter, since } })) },
      since === "previous" ? "Step before" : "First step",
    ),
  );
  const starts = h("div", { class: "segments", role: "group", "aria-label": "Compared with" }, ...buttons);
  const body = h("div", {});
  const element = h("div", { class: "ledger" }, h("div", { class: "confusions-head" }, title, starts), body);
  const isSeen = (view: View) => view.tab === "ledger" || element.offsetParent !== null;
  const update = async (snapshot: Snapshot) => {
    last = snapshot;
    const { atlas, frame, view } = snapshot;
    if (!isSeen(view)) return;
    const { since } = view.filter;
    const condition = atlas.condition(view.condition);
    starts.hidden = condition.kind !== "training" || condition.steps.length < 3;
    SINCE.forEach((name, place) => buttons[place].setAttribute("aria-pressed", String(name === since)));
    if (!frame) return tell(snapshot.problem ?? "");
    if (read?.frame !== frame || read.since !== since) {
      const flows = await readFlows(atlas, frame, since).catch(() => undefined);
      if (last !== snapshot) return;
      if (flows === undefined) return tell("The compared steps cannot be read.");
      const ledger = flows && countLedger(flows, frame, atlas.labels, atlas.attributes.classes.length);
      read = { frame, since, ledger, flows };
    }
    const { ledger, flows } = read;
    if (!ledger || !flows) return tell(nothingText(snapshot, condition));
    const ends = endsOf(condition, flows, frame);
    title.textContent = ledgerSentence(ledger, ends, frame);
    const width = Math.min(WIDEST, available());
    if (!width) return;
    const focused = body.contains(document.activeElement) ? document.activeElement : null;
    const label = focused?.getAttribute("aria-label");
    body.replaceChildren(
      flowDiagram(ledger, ends, width, choose, view.filter),
      flowTable(ledger, choose, view.filter, condition.kind === "training" && flows.before.step > 0),
      classBars(snapshot, ledger, ends, width, choose),
    );
    if (label) refocus(body, label);
  };
  const tell = (text: string) => {
    title.textContent = text;
    body.replaceChildren();
  };
  const available = widthOf(element, () => last && void update(last));
  return { element, update: (snapshot) => void update(snapshot) };
}

const WIDEST = 620;

/** The element that replaced the one with the focus. */
function refocus(body: HTMLElement, label: string): void {
  for (const element of body.querySelectorAll<HTMLElement>("[aria-label]"))
    if (element.getAttribute("aria-label") === label) return element.focus();
}

/** The names of the two sides of the ledger. */
function endsOf(condition: Condition, { before }: Flows, frame: Frame): Ends {
  if (condition.kind === "model") return { before: "teacher", after: "student" };
  const [start, end] = [stepLabel(condition, before.step), stepLabel(condition, frame.step)];
  return { before: start, after: end };
}

function nothingText({ atlas, view, frame }: Snapshot, condition: Condition): string {
  const layer = frame?.layer.name ?? "";
  if (condition.kind === "model")
    return `${layer}: the student's grid differs from its teacher's, so their points cannot be compared one by one.`;
  const key = { condition: view.condition, layer: view.layer, step: view.step };
  return startOf(atlas, key, view.filter.since)
    ? ""
    : `${layer}, ${stepLabel(condition, view.step)}: this is the first step; choose a later one to compare it with an earlier one.`;
}

/** What is learnt and forgotten, and the share that is kept, compared with that of a refit of the same network. */
export function ledgerSentence({ points, before, kept, refit }: Ledger, ends: Ends, frame: Frame): string {
  const { learnt, relearnt, changed, forgotten } = points;
  const again = relearnt.value > 0 ? `, ${formatNumber(relearnt.value)} relearnt` : "";
  const flows = `${formatNumber(learnt.value)} points per image learnt${again}, ${formatNumber(forgotten.value)} forgotten, ${formatNumber(changed.value)} changed class`;
  const start = `${frame.layer.name}, ${ends.before} to ${ends.after}: ${flows}.`;
  if (!(before.value > 0)) return `${start} There was no point before.`;
  const other = refit ? `; of a refit of the same network, ${formatPercent(refit.value)} are` : "";
  return `${start} Of the points before, ${formatPercent(kept.value)} are kept${other}.`;
}
