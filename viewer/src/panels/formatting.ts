/** Numbers, probabilities and places as text. */

import type { Count } from "../data/findings";
import type { Condition } from "../data/format";
import type { Frame } from "../data/frame";
import type { Since } from "../data/ledger";
import { isUninformed } from "../data/regions";

export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 1 : 2;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** The 95 % interval of a count. */
export function formatInterval({ low, high }: Count): string {
  if (!Number.isFinite(low)) return "–";
  return `${formatNumber(low)}–${formatNumber(high)}`;
}

/** A probability; 1.00 and 0.00 only where it is exactly that. */
export function formatProbability(value: number): string {
  return value >= 0.995 && value < 1 ? "> 0.99" : value < 0.005 && value > 0 ? "< 0.01" : value.toFixed(2);
}

/** A threshold, with at most three digits. */
export function formatThreshold(tau: number): string {
  return String(Number(tau.toPrecision(3)));
}

/** A probability with its letter, without line breaks. */
export function formatP(value: number): string {
  const text = formatProbability(value);
  return /^[<>]/.test(text) ? `p\u00a0${text}`.replace(/ /g, "\u00a0") : `p\u00a0=\u00a0${text}`;
}

/** The probability behind a stored certainty, round(65535 p); it is never quite 1. */
export function storedCertainty(value: number): number {
  return Math.min(65534.75, value) / 65535;
}

/** A value with its 95 % interval: 6.7 (6.2–7.2). */
export function formatCount(count: Count): string {
  return `${formatNumber(count.value)} (${formatInterval(count)})`;
}

/** Bits with two digits and a minus sign. */
export function formatBits(value: number): string {
  if (!Number.isFinite(value)) return "–";
  // No -0.00 next to 0.00.
  const text = Math.abs(value).toFixed(2);
  return value < 0 && text !== "0.00" ? `−${text}` : text;
}

/** Bits with their 95 % interval: 1.39 (1.34 to 1.44). */
export function formatBitsCount({ value, low, high }: Count): string {
  const interval = Number.isFinite(low) ? `${formatBits(low)} to ${formatBits(high)}` : "–";
  return `${formatBits(value)} (${interval.replace(/ /g, "\u00a0")})`;
}

/** The class that a region predicts; none if the layer has no evidence about its image. */
export function predictedClass(
  frame: Pick<Frame, "temperatures" | "regions" | "category">,
  id: number,
  names: string[],
): string {
  return isUninformed(frame, id) ? "no class" : names[frame.category[id]];
}

/** The position of a region in its grid. */
export function formatPlace(region: number, columns: number): string {
  return `row ${Math.floor(region / columns) + 1}, column ${(region % columns) + 1}`;
}

/** Words as a list in a sentence. */
export function joinWords(words: string[]): string {
  return words.length < 2
    ? words.join("")
    : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}

export function stepLabel({ steps }: Condition, step: number): string {
  return steps[step].label;
}

/** Short names of a condition's steps, for an axis. */
export function axisLabels({ steps }: Pick<Condition, "steps">): (step: number) => string {
  return (step) => {
    const { number = null, label = "" } = steps[step] ?? {};
    return number === null ? label : number.toLocaleString("en");
  };
}

/** Whether a region is a knowledge point, and of which kind. */
export function formatKind({ knowledge }: Frame, id: number): string {
  return knowledge[id] & 2 ? "reliable" : knowledge[id] & 1 ? "unreliable" : "no";
}

/** A share in percent; 0 and 100 only where it is exactly that. */
export function formatPercent(share: number): string {
  if (!Number.isFinite(share)) return "–";
  const text =
    share > 0 && share < 0.005 ? "< 1" : share < 1 && share > 0.995 ? "> 99" : (100 * share).toFixed(0);
  return `${text} %`.replace(/ /g, "\u00a0");
}

/** A share in percent with its 95 % interval: 12 % (8–17). */
export function formatPercentCount({ value, low, high }: Count): string {
  const interval = Number.isFinite(low) ? `${(100 * low).toFixed(0)}–${(100 * high).toFixed(0)}` : "–";
  return `${formatPercent(value)} (${interval})`;
}

/** What the points of a condition are compared with, after a word such as "learnt". */
export function startText({ kind }: Condition, since: Since): string {
  if (kind === "attack") return "under the attack";
  if (kind === "model") return "from teacher to student";
  return since === "first" ? "since the first step" : "since the step before";
}
