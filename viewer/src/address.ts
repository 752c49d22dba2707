/** The address of the page, which keeps the view. */

import type { Camera } from "./camera";
import { COLOURS, POINTS, type View } from "./state";

/** Keeps the view in the address when it has rested a while: browsers are slow at it, and allow only so many. */
export function makeAddress(): { keep(view: View): void; now(): string } {
  let waiting: { view: View; timer: number } | null = null;
  const write = () => {
    if (waiting) history.replaceState(null, "", `#${toAddress(waiting.view)}`);
    waiting = null;
  };
  return {
    keep(view) {
      if (waiting) clearTimeout(waiting.timer);
      waiting = { view, timer: window.setTimeout(write, 300) };
    },
    now() {
      write();
      return location.href;
    },
  };
}

/** Longest text of a selection in an address; a larger one is not kept there. */
const LONGEST = 4000;

/** The view as the part of an address behind `#`. */
export function toAddress(view: View): string {
  const { filter, camera } = view;
  const parts: Record<string, string | number | false> = {
    condition: view.condition,
    layer: view.layer,
    step: view.step,
    space: view.space !== "regions" && view.space,
    colour: view.colour !== "true" && view.colour,
    classes: filter.classes.length > 0 && filter.classes.join("."),
    points: filter.points !== "all" && filter.points,
    path: filter.path > 0 && filter.path,
    image: view.image,
    importance: view.importance && 1,
    selection: view.selection.length > 0 && packIds(view.selection),
    camera:
      camera !== null &&
      cameraNumbers(camera)
        .map((each) => +each.toFixed(3))
        .join("_"),
  };
  if (typeof parts.selection === "string" && parts.selection.length > LONGEST) parts.selection = false;
  const kept = Object.entries(parts).filter(([, value]) => value !== false);
  return kept.map(([name, value]) => `${name}=${encodeURIComponent(value as string)}`).join("&");
}

/** The changes that an address asks for; what is not understood is left out. */
export function fromAddress(text: string): Partial<View> {
  const found = new URLSearchParams(text.replace(/^#/, ""));
  const changes: Partial<View> = {};
  const number = (name: string) =>
    /^\d+$/.test(found.get(name) ?? "") ? Number(found.get(name)) : undefined;
  const oneOf = <T extends string>(name: string, all: readonly T[]) =>
    all.find((each) => each === found.get(name));
  const put = <K extends keyof View>(name: K, value: View[K] | undefined) => {
    if (value !== undefined) changes[name] = value;
  };
  put("condition", found.get("condition") ?? undefined);
  put("layer", found.get("layer") ?? undefined);
  put("step", number("step"));
  put("image", number("image"));
  put("space", oneOf("space", ["regions", "images"] as const));
  put("colour", oneOf("colour", COLOURS));
  put("importance", found.has("importance") ? true : undefined);
  put("selection", found.has("selection") ? unpackIds(found.get("selection") as string) : undefined);
  const classes = (found.get("classes") ?? "")
    .split(".")
    .filter((each) => /^\d+$/.test(each))
    .map(Number);
  const points = oneOf("points", POINTS) ?? "all";
  if (["classes", "points", "path"].some((name) => found.has(name)))
    changes.filter = { classes, points, path: Math.min(4, number("path") ?? 0) };
  const seen = (found.get("camera") ?? "").split("_").map(Number);
  if (seen.length === 5 && seen.every(Number.isFinite))
    changes.camera = {
      azimuth: seen[0],
      elevation: seen[1],
      zoom: Math.max(0.3, seen[2]),
      panX: seen[3],
      panY: seen[4],
    };
  return changes;
}

function cameraNumbers({ azimuth, elevation, zoom, panX, panY }: Camera): number[] {
  return [azimuth, elevation, zoom, panX, panY];
}

/** Ids in order as differences in base 36, runs as `first~count`. */
export function packIds(ids: number[]): string {
  const sorted = [...ids].sort((a, b) => a - b);
  const parts: string[] = [];
  let before = 0;
  for (let at = 0; at < sorted.length;) {
    let run = 1;
    while (at + run < sorted.length && sorted[at + run] === sorted[at] + run) run++;
    parts.push((sorted[at] - before).toString(36) + (run > 1 ? `~${run.toString(36)}` : ""));
    before = sorted[at] + run - 1;
    at += run;
  }
  return parts.join(".");
}

export function unpackIds(text: string): number[] {
  const ids: number[] = [];
  let before = 0;
  for (const part of text.split(".")) {
    const [away, run = "1"] = part.split("~");
    const [first, count] = [before + parseInt(away, 36), parseInt(run, 36)];
    if (!Number.isFinite(first) || !(count > 0 && count < 1e6)) continue;
    for (let each = 0; each < count; each++) ids.push(first + each);
    before = first + count - 1;
  }
  return ids;
}
