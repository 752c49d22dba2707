/** The measurements of a pattern, each number with its chance level. */

import type { Atlas } from "../data/atlas";
import { asCount, type Fall, type Pattern } from "../data/patterns";
import { h } from "../dom";
import type { ChangeView } from "../state/snapshot";
import { formatBits, formatNumber, formatPercent, formatPercentCount, joinWords } from "./formatting";

export function patternFacts(pattern: Pattern, atlas: Atlas, change: ChangeView): HTMLElement {
  const { classes } = atlas.attributes;
  const { shared, fall, refits, stability, chance, specific, prior } = pattern;
  const also = shared.map(([label, share]) => `${classes[label]} (${formatPercent(share)})`);
  const facts: [string, Node | string | null, string][] = [
    [
      "evidence",
      `${formatPercentCount(asCount(pattern.share))} of its class`,
      "Share of the bits of the class's reliable regions",
    ],
    [
      "from",
      stepLink(pattern, atlas, change),
      "First step at which at least half of its regions are reliable",
    ],
    [
      "stable",
      `${formatNumber(stability)}; chance ${formatNumber(chance)}`,
      "Jaccard index with the same pattern by the clusters of another half of the images",
    ],
    [
      "like it",
      `${formatPercentCount(asCount(specific))} in its class; chance ${formatPercent(prior)}`,
      "Of the regions in unseen images that are like it, the share in images of its class",
    ],
    [
      "refits",
      refits === null ? null : formatPercent(refits),
      "How often its regions are points of the class in refits of the layer",
    ],
    [
      "also in",
      also.length ? joinWords(also) : "no other class",
      "Other classes, and the share of their reliable regions that is like it",
    ],
    [
      "network",
      fall && fallText(fall),
      "How much the probability of the class falls when the layer loses its regions",
    ],
  ];
  return h(
    "dl",
    { class: "pattern-facts" },
    ...facts
      .filter(([, value]) => value !== null)
      .flatMap(([name, value, title]) => [h("dt", { title }, name), h("dd", {}, value)]),
  );
}

/** The step at which a pattern appears, which goes there; steps that an export omits have no link. */
function stepLink({ appears }: Pattern, atlas: Atlas, change: ChangeView): Node | string {
  if (appears === null) return "never before the end";
  const [training] = atlas.attributes.conditions;
  const step = training.steps.findIndex(({ label }) => label === appears);
  if (step < 0) return appears;
  return h(
    "button",
    { class: "link", title: `Go to ${appears}`, click: () => change({ condition: training.key, step }) },
    appears,
  );
}

function fallText({ asked, own, others, rest, beyond_others, beyond_rest }: Fall): string {
  const digits = (value: number | null) => (value === null ? "–" : formatBits(value));
  const [value, low, high] = own.map(digits);
  const verdict = beyond_others
    ? "more than without other reliable regions"
    : beyond_rest
      ? "no more than without other reliable regions, but more than without unreliable ones"
      : "not beyond the noise of removing unreliable ones";
  return `p falls by ${value} (${low} to ${high}) without it, ${digits(others[0])} without other reliable regions, ${digits(rest[0])} without unreliable ones (${asked} images): ${verdict}`;
}
