/** Findings of an atlas as sentences. */

import {
  countPoints,
  type Chance,
  type Counts,
  type Emergence,
  type Evidence,
  type LayerCounts,
} from "../data/findings";
import type { Attributes } from "../data/format";
import { NOT_ATTACKED, type Frame } from "../data/frame";
import { isUninformed, statedPosterior, topRegion } from "../data/regions";
import { h } from "../dom";
import type { Snapshot } from "../state/snapshot";
import {
  formatBits,
  formatBitsCount,
  formatCount,
  formatP,
  formatPlace,
  joinWords,
  stepLabel,
} from "./formatting";

/** Below the map: evidence first, then the points of the layer in view, then what the intervals do not cover. */
export function mapSentences({ atlas, view }: Snapshot, counts: LayerCounts[]): string[] {
  const condition = atlas.condition(view.condition);
  if (condition.kind !== "training") return [];
  if (!counts.length) return ["The counts of this atlas cannot be read."];
  const layers = counts.map(({ layer, rows }) => ({ name: layer.name, told: rows[view.step].told }));
  const sentences = [
    evidenceSentence(layers, stepLabel(condition, view.step), atlas.attributes.evidence ?? null),
  ];
  const own = counts.find(({ layer }) => layer.key === view.layer);
  if (own) {
    const step = stepLabel(condition, condition.steps.length - 1);
    const chance = own.chance && { found: own.chance, step };
    sentences.push(pointsSentence(own.layer.name, own.rows[view.step], chance));
  }
  return [...sentences, networkSentence(atlas.attributes.networks)];
}

/** Evidence of a layer at a step. */
export interface LayerEvidence {
  name: string;
  told: Evidence | null;
}

/** Which layer has the most evidence at a step; only one whose interval is above 0 and above those of all others. */
export function evidenceSentence(
  layers: LayerEvidence[],
  step: string,
  measured: Attributes["evidence"],
): string {
  const start = `${capitalise(step)}:`;
  const known = layers.flatMap(({ name, told }) => (told ? [{ name, ...told }] : []));
  if (!known.length)
    return measured
      ? `${start} evidence was only measured for the training.`
      : `${start} evidence was not measured, so the counts do not tell which layer distinguishes classes best.`;
  const about = measured?.against === "decision" ? " for the network's own decision" : "";
  const sorted = [...known].sort((one, other) => other.evidence.value - one.evidence.value);
  const [best, ...others] = sorted;
  // A single image has no interval.
  if (!(best.evidence.low > 0))
    return `${start} no layer has evidence${about} above 0; the most is ${inBits(best)} in ${best.name}.`;
  const level = others.filter(({ evidence }) => evidence.high >= best.evidence.low);
  if (level.length)
    return `${start} ${joinWords([best, ...level].map(({ name }) => name))} have the most evidence${about}, and their intervals overlap: ${joinWords([best, ...level].map(inBits))}.`;
  const most = others.length ? "the most evidence" : "evidence";
  return `${start} ${best.name} has ${most}${about}, ${inBits(best)} per region, of ${formatBitsCount(best.readable)} readable${ceiling(measured)}.`;
}

const inBits = ({ evidence }: Evidence) => `${formatBitsCount(evidence)}\u00a0bits`;

function ceiling(measured: Attributes["evidence"]): string {
  return measured ? `; a region that is always correct has ${formatBits(measured.most)}` : "";
}

/** The knowledge points of a layer at a step, with chance if that was measured. */
export function pointsSentence(
  name: string,
  { total, reliable, told }: Counts & { told: Evidence | null },
  chance: { found: Record<keyof Chance, Counts>; step: string } | null,
): string {
  const none = total.value === 0;
  const points = none
    ? `${name} has no knowledge points.`
    : `${name} has ${formatCount(total)} knowledge points per image, ${formatCount(reliable)} reliable.`;
  const doubt =
    told && !(told.evidence.low > 0) && !none ? " Its evidence is not above 0: they may be chance." : "";
  if (!chance) return `${points}${doubt} Chance not measured.`;
  const { permuted, untrained } = chance.found;
  const beside = [
    `${formatCount(permuted.total)} with permuted targets`,
    `${formatCount(untrained.total)} in an untrained network`,
  ];
  return `${points}${doubt} Chance (${chance.step}): ${joinWords(beside)}.`;
}

/** What the intervals do not cover. */
export function networkSentence(networks = 1): string {
  const which = networks > 1 ? `The first of ${networks} networks` : "One network";
  const rest = networks > 1 ? "; the report has intervals over all of them" : "";
  return `${which}: another training may differ by more than these intervals${rest}.`;
}

/** Which class emerges first in a layer. */
export function classSentence(
  layer: string,
  names: string[],
  { order, first, training }: Emergence,
  emerges: Attributes["emerges"] = "points",
): string {
  const by = emerges === "evidence" ? "evidence of it" : "a reliable point";
  const [best, ...others] = order;
  if (Number.isNaN(first[best]))
    return `In ${layer}, no class emerges: in none do half of the images have ${by}.`;
  if (training.steps.length === 1) {
    const emerged = order.filter((label) => !Number.isNaN(first[label])).length;
    return `In ${layer}, half of the images have ${by} in ${emerged} of ${names.length} classes; ${names[best]} has the most points.`;
  }
  const step = training.steps[Math.ceil(first[best])].label;
  const equal = others.filter((label) => first[label] === first[best]).map((label) => names[label]);
  const listed = equal.length > 3 ? [...equal.slice(0, 2), `${equal.length - 2} more`] : equal;
  const also = equal.length ? ` At the same step, with fewer points: ${joinWords(listed)}.` : "";
  return `In ${layer}, ${names[best]} emerges first: by ${step}, half of its images have had ${by}.${also}`;
}

/** What the network predicts for the image, and its top region; in a comparison, both predictions. */
export function imageSentences(snapshot: Snapshot): (Node | string)[] {
  const { atlas, view, frame, reference } = snapshot;
  const { classes } = atlas.attributes;
  const { image } = view;
  if (!frame) return [snapshot.problem ?? "The regions of this image cannot be read."];
  if (reference) return comparison(snapshot, frame, reference);
  const predicted = frame.predictions[image];
  const region = topRegion(atlas, frame, image, predicted);
  const id = image * frame.regions + region;
  const p = statedPosterior(atlas, frame, id)[predicted];
  const top = isUninformed(frame, id)
    ? ` This layer has no evidence about the image here: every class has ${formatP(p)}.`
    : ` Top region for this class: ${formatPlace(region, frame.grid[1])}, ${formatP(p)}.`;
  return [
    h(
      "b",
      {},
      `Image ${image}, ${classes[atlas.labels[image]]}: the network predicts ${classes[predicted]}.`,
    ),
    top,
  ];
}

function comparison({ atlas, view }: Snapshot, frame: Frame, reference: Frame): Node[] {
  const { classes } = atlas.attributes;
  const { image } = view;
  const line = (name: string, { predictions }: Frame, points: string) =>
    h(
      "span",
      { class: "line" },
      h("b", {}, `${capitalise(name)}: `),
      `${classes[predictions[image]]}; ${points}`,
    );
  const target = frame.targets?.[image];
  const title = `Image ${image}, ${classes[atlas.labels[image]]}`;
  if (target === NOT_ATTACKED)
    return [
      h("b", {}, title),
      document.createTextNode(": not attacked, since the network misclassifies the clean image."),
    ];
  const aim = target === undefined ? "" : `; target of the attack: ${classes[target]}`;
  const [one, other] =
    frame.condition.kind === "attack"
      ? ["clean", stepLabel(atlas.condition(view.condition), view.step)]
      : ["teacher", frame.condition.name];
  return [
    h("b", {}, `${title}${aim}.`),
    line(one, reference, describePoints(reference, image, classes)),
    line(other, frame, describePoints(frame, image, classes)),
  ];
}

/** How many knowledge points an image has, and the classes that most of them predict. */
function describePoints(frame: Frame, image: number, names: string[]): string {
  const { total, classes } = countPoints(frame, image);
  const listed = classes.slice(0, 3).map(([label, count]) => `${count} ${names[label]}`);
  const end = classes.length > 3 ? ", …" : ".";
  return total
    ? `${total} knowledge point${total > 1 ? "s" : ""}: ${listed.join(", ")}${end}`
    : "no knowledge points.";
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
