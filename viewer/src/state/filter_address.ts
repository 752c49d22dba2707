/** The filter in the page's address. */

import { SINCE } from "../data/ledger";
import {
  BECAME,
  CLASS_FACETS,
  DECIDED,
  NO_FILTER,
  OUTCOMES,
  POINTS,
  type ClassFacet,
  type Filter,
} from "./facets";

const CLASS_NAMES: Record<ClassFacet, string> = {
  classes: "true",
  regions: "region",
  decisions: "network",
  was: "was",
};
/** Earlier links filtered by the class that their colours showed. */
const OLD_NAME = "classes";
const OLD_FACETS: Record<string, ClassFacet> = { predicted: "decisions", knowledge: "regions" };
const NAMES = [
  ...Object.values(CLASS_NAMES),
  OLD_NAME,
  ...["decided", "points", "stable", "bits", "outcome", "path", "outside", "flow", "since", "pattern"],
];

/** The facets that are chosen, by their names in the address; false for those that are not. */
export function filterParameters(filter: Filter): Record<string, string | number | false> {
  const { decided, points, stable, bits, outcome, flow, since, pattern, path, outside } = filter;
  const classes = CLASS_FACETS.map((facet) => [
    CLASS_NAMES[facet],
    filter[facet].length > 0 && filter[facet].join("."),
  ]);
  return {
    ...Object.fromEntries(classes),
    decided: decided !== "any" && decided,
    points: points !== "all" && points,
    stable: stable && 1,
    bits: bits.some((bound) => bound !== null) && bits.map((bound) => bound ?? "").join("_"),
    outcome: outcome !== "any" && outcome,
    flow: flow !== "any" && flow,
    since: since !== "previous" && since,
    pattern: pattern > 0 && pattern,
    path: path > 0 && path,
    outside: outside && 1,
  };
}

/** The filter that an address asks for, undefined where it names no facet; invalid values are ignored. */
export function filterFromAddress(parameters: URLSearchParams): Filter | undefined {
  if (!NAMES.some((name) => parameters.has(name))) return undefined;
  const text = (name: string) => parameters.get(name) ?? "";
  const oneOf = <T extends string>(name: string, all: readonly T[]) =>
    all.find((option) => option === text(name)) ?? all[0];
  const filter: Filter = {
    ...NO_FILTER,
    decided: oneOf("decided", DECIDED),
    points: oneOf("points", POINTS),
    stable: text("stable") === "1",
    bits: readBounds(text("bits")),
    outcome: oneOf("outcome", OUTCOMES),
    flow: oneOf("flow", BECAME),
    since: oneOf("since", SINCE),
    pattern: /^\d{1,5}$/.test(text("pattern")) ? Number(text("pattern")) : 0,
    path: /^\d+$/.test(text("path")) ? Math.min(4, Number(text("path"))) : 0,
    outside: text("outside") === "1",
  };
  for (const facet of CLASS_FACETS) filter[facet] = readLabels(text(CLASS_NAMES[facet]));
  if (parameters.has(OLD_NAME)) filter[oldFacet(parameters)] = readLabels(text(OLD_NAME));
  return filter;
}

function oldFacet(parameters: URLSearchParams): ClassFacet {
  const facet = OLD_FACETS[parameters.get("colour") ?? ""] ?? "classes";
  return facet === "regions" && parameters.get("space") === "images" ? "classes" : facet;
}

function readLabels(text: string): number[] {
  return text
    .split(".")
    .filter((label) => /^\d+$/.test(label))
    .map(Number);
}

function readBounds(text: string): Filter["bits"] {
  const bounds = text.split("_").map((bound) => (/^-?\d+(\.\d+)?$/.test(bound) ? Number(bound) : null));
  return [bounds[0] ?? null, bounds[1] ?? null];
}
