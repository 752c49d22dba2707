/** The view in the fragment of the page's address. */

import { COUNTED } from "../data/confusions";
import { cameraOf, cameraText } from "./camera";
import { filterFromAddress, filterParameters } from "./filter_address";
import { COLOURS, LIKENESSES, SORTS, TABS, type View } from "./view";

/** Writes the view to the address once it rests: browsers are slow at this and limit its rate. */
export function makeAddress(): { keep(view: View): void; now(): string } {
  let pending: { view: View; timer: number } | null = null;
  const write = () => {
    if (pending) history.replaceState(null, "", `#${toAddress(pending.view)}`);
    pending = null;
  };
  return {
    keep(view) {
      if (pending) clearTimeout(pending.timer);
      pending = { view, timer: window.setTimeout(write, 300) };
    },
    now() {
      write();
      return location.href;
    },
  };
}

/** Longest text of a selection; a longer one is omitted from the address. */
const LONGEST = 4000;

/** The fragment of a view. */
export function toAddress(view: View): string {
  const { camera } = view;
  const parts: Record<string, string | number | false> = {
    condition: view.condition,
    layer: view.layer,
    step: view.step,
    space: view.space !== "regions" && view.space,
    colour: view.colour !== "true" && view.colour,
    ...filterParameters(view.filter),
    image: view.image,
    sort: view.sort !== "number" && view.sort,
    page: view.page > 0 && view.page + 1,
    alike: view.alike !== "embedding" && view.alike,
    importance: view.importance && 1,
    tab: view.tab !== "space" && view.tab,
    counted: view.counted !== "regions" && view.counted,
    selection: view.selection.length > 0 && packIds(view.selection),
    camera: camera !== null && cameraText(camera),
  };
  if (typeof parts.selection === "string" && parts.selection.length > LONGEST) parts.selection = false;
  const kept = Object.entries(parts).filter(([, value]) => value !== false);
  return kept.map(([name, value]) => `${name}=${encodeURIComponent(value as string)}`).join("&");
}

/** The changes in a fragment; unknown names and invalid values are ignored. */
export function fromAddress(text: string): Partial<View> {
  const parameters = new URLSearchParams(text.replace(/^#/, ""));
  const changes: Partial<View> = {};
  const number = (name: string) =>
    /^\d+$/.test(parameters.get(name) ?? "") ? Number(parameters.get(name)) : undefined;
  const oneOf = <T extends string>(name: string, all: readonly T[]) =>
    all.find((option) => option === parameters.get(name));
  const put = <K extends keyof View>(name: K, value: View[K] | undefined) => {
    if (value !== undefined) changes[name] = value;
  };
  put("condition", parameters.get("condition") ?? undefined);
  put("layer", parameters.get("layer") ?? undefined);
  put("step", number("step"));
  put("image", number("image"));
  put("space", oneOf("space", ["regions", "images"] as const));
  put("colour", oneOf("colour", COLOURS));
  put("tab", oneOf("tab", TABS));
  put("counted", oneOf("counted", COUNTED));
  put("importance", parameters.get("importance") === "1" ? true : undefined);
  put(
    "selection",
    parameters.has("selection") ? unpackIds(parameters.get("selection") as string) : undefined,
  );
  put("sort", oneOf("sort", SORTS));
  const page = number("page");
  put("page", page === undefined ? undefined : Math.max(0, page - 1));
  put("alike", oneOf("alike", LIKENESSES));
  // Where a link names a condition and no colour, it has always meant the true classes.
  if (changes.condition && !changes.colour) changes.colour = "true";
  put("filter", filterFromAddress(parameters));
  put("camera", cameraOf(parameters.get("camera") ?? ""));
  return changes;
}

/** Sorted ids as differences in base 36; runs as `first~count`. */
export function packIds(ids: number[]): string {
  const sorted = [...ids].sort((a, b) => a - b);
  const parts: string[] = [];
  let previous = 0;
  for (let at = 0; at < sorted.length;) {
    let run = 1;
    while (at + run < sorted.length && sorted[at + run] === sorted[at] + run) run++;
    parts.push((sorted[at] - previous).toString(36) + (run > 1 ? `~${run.toString(36)}` : ""));
    previous = sorted[at] + run - 1;
    at += run;
  }
  return parts.join(".");
}

export function unpackIds(text: string): number[] {
  const ids: number[] = [];
  let previous = 0;
  for (const part of text.split(".")) {
    const [difference, run = "1"] = part.split("~");
    const [first, count] = [previous + parseInt(difference, 36), parseInt(run, 36)];
    if (!Number.isFinite(first) || !(count > 0 && count < 1e6)) continue;
    for (let id = first; id < first + count; id++) ids.push(id);
    previous = first + count - 1;
  }
  return ids;
}
