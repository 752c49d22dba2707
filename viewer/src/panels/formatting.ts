/** Numbers, probabilities and places as text. */

import type { Count } from "../data/findings";
import type { Condition } from "../data/format";
import type { Frame } from "../data/frame";
import type { Since } from "../data/ledger";
import { isUninformed } from "../data/regions";

/** What sums of stored numbers are off by. */
const ROUNDING = 1e-9;

/** A number with few digits; 0 only where it is exactly that. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) <= ROUNDING) return "0";
  const size = Math.abs(value);
  if (size < 0.0005) return value < 0 ? ">\u00a0-0.001" : "<\u00a00.001";
  const digits = size >= 100 ? 0 : size >= 1 ? 1 : size >= 0.005 ? 2 : 3;
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

/** Digits of evidence gained or lost, and most of them. */
const CHANGE_DIGITS = 2,
  MOST_CHANGE_DIGITS = 3;

/**
 * As many digits for a column of changes as tell each of them, and each end of an interval, from zero: two or three.
 * The report's differences have more digits for the same reason.
 */
export function changeDigits(changes: Count[]): number {
  const isHidden = (value: number) =>
    Math.abs(value) > ROUNDING && Number(value.toFixed(CHANGE_DIGITS)) === 0;
  return changes.some((change) => [change.value, change.low, change.high].some(isHidden))
    ? MOST_CHANGE_DIGITS
    : CHANGE_DIGITS;
}

/** Evidence gained, less than zero where it was lost; zero only where nothing has changed. */
export function formatChange(value: number, digits: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) <= ROUNDING) return "0";
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) > 0) return value < 0 ? `−${text}` : text;
  const least = (10 ** -digits).toFixed(digits);
  return value < 0 ? `>\u00a0−${least}` : `<\u00a0${least}`;
}

/** A change of evidence with its 95 % interval: 0.004 (−0.001 to 0.009). */
export function formatChangeCount({ value, low, high }: Count, digits: number): string {
  const interval = Number.isFinite(low)
    ? `${formatChange(low, digits)} to ${formatChange(high, digits)}`
    : "–";
  return `${formatChange(value, digits)} (${interval.replace(/ /g, "\u00a0")})`;
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
