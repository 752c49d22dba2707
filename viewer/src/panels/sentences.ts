/** Findings of an atlas as sentences. */

import { countPoints, regionPosterior, topRegion, type Counts, type Emergence } from "../data/findings";
import { NOT_ATTACKED, type Frame } from "../data/frame";
import { h } from "../dom";
import type { Snapshot } from "../state/snapshot";
import { formatInterval, formatNumber, formatP, formatPlace, joinWords, stepLabel } from "./formatting";

/** Which layer has the most reliable points at a step. */
export function layerSentence(names: string[], counts: Counts[], step: string): string {
  const best = counts.reduce(
    (most, { reliable }, layer) => (reliable.value > counts[most].reliable.value ? layer : most),
    0,
  );
  const { reliable } = counts[best];
  const start = `${capitalise(step)}:`;
  if (!(reliable.value > 0)) return `${start} no layer has a reliable knowledge point.`;
  const [value, interval] = [formatNumber(reliable.value), `(95 % interval ${formatInterval(reliable)})`];
  return names.length === 1
    ? `${start} ${names[0]} has ${value} reliable knowledge points per image ${interval}.`
    : `${start} ${names[best]} has the most reliable points, ${value} per image ${interval}.`;
}

/** Which class emerges first in a layer. */
export function classSentence(layer: string, names: string[], { order, first, training }: Emergence): string {
  const [best, ...others] = order;
  if (Number.isNaN(first[best]))
    return `In ${layer}, no class emerges: in none do half of the images have a reliable point.`;
  if (training.steps.length === 1) {
    const emerged = order.filter((label) => !Number.isNaN(first[label])).length;
    return `A single checkpoint does not show which class emerges first. In ${layer}, ${emerged} of ${names.length} classes have a reliable point in half of their images; ${names[best]} has the most points.`;
  }
  const step = training.steps[Math.ceil(first[best])].label;
  const equal = others.filter((label) => first[label] === first[best]).map((label) => names[label]);
  const listed = equal.length > 3 ? [...equal.slice(0, 2), `${equal.length - 2} more`] : equal;
  const also = equal.length ? ` At the same step, with fewer points: ${joinWords(listed)}.` : "";
  return `In ${layer}, ${names[best]} emerges first: half of its images have a reliable point from ${step} on.${also}`;
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
  const p = regionPosterior(atlas, frame, image * frame.regions + region)[predicted];
  return [
    h(
      "b",
      {},
      `Image ${image}, ${classes[atlas.labels[image]]}: the network predicts ${classes[predicted]}.`,
    ),
    ` Top region for this class: ${formatPlace(region, frame.grid[1])}, ${formatP(p)}.`,
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
