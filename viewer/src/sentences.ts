/** What can be read off an atlas, as sentences. */

import { h } from "./dom";
import {
  decisiveRegion,
  listed,
  number,
  placeWords,
  pointsOfImage,
  probabilityWords,
  regionPosterior,
  type Counts,
  type Emergence,
} from "./findings";
import { NOT_ATTACKED, type Frame } from "./frame";
import { stepLabel, type Shown } from "./shown";

export function layerSentence(names: string[], counts: Counts[], moment: string): string {
  const best = counts.reduce(
    (most, each, place) => (each.reliable.value > counts[most].reliable.value ? place : most),
    0,
  );
  const { value, low, high } = counts[best].reliable;
  if (!(value > 0)) return `At ${moment}, no layer has a reliable knowledge point.`;
  const range = `an image (95 % interval ${number(low)} to ${number(high)})`;
  if (names.length === 1)
    return `At ${moment}, ${names[0]} has ${number(value)} reliable knowledge points ${range}.`;
  return `At ${moment}, ${names[best]} has the most reliable points: ${number(value)} ${range}.`;
}

/** Which class emerges first in a layer. */
export function classSentence(layer: string, names: string[], { order, first, training }: Emergence): string {
  const [best, ...others] = order;
  if (Number.isNaN(first[best]))
    return `In ${layer}, no class emerges: half of its images never have a reliable point.`;
  if (training.steps.length === 1) {
    const emerged = order.filter((each) => !Number.isNaN(first[each])).length;
    return `One checkpoint cannot tell which class emerges first. In ${layer}, ${emerged} of ${names.length} classes have a reliable point in half of their images; ${names[best]} has the most points.`;
  }
  const step = training.steps[Math.ceil(first[best])].label;
  const equal = others.filter((each) => first[each] === first[best]).map((each) => names[each]);
  const shown = equal.length > 3 ? [...equal.slice(0, 2), `${equal.length - 2} more`] : equal;
  const also = equal.length ? ` At the same step, with fewer points: ${listed(shown)}.` : "";
  return `In ${layer}, ${names[best]} emerges first: half of its images have a reliable point from ${step} on.${also}`;
}

/** What the network says of the image and by which region; in a comparison, what it says before and after. */
export function imageSentences(shown: Shown): (Node | string)[] {
  const { run, view, frame, reference } = shown;
  const { classes } = run.attributes;
  const { image } = view;
  if (!frame) return [shown.problem ?? "The regions of this image cannot be read."];
  const truth = classes[run.labels[image]];
  if (reference) return compared(shown, frame, reference);
  const decided = frame.predictions[image];
  const region = decisiveRegion(run, frame, image, decided);
  const p = regionPosterior(run, frame, image * frame.regions + region)[decided];
  return [
    h("b", {}, `Image ${image}, ${truth}: the network says ${classes[decided]}.`),
    ` The region that speaks most for it: ${placeWords(region, frame.grid[1])}, ${probabilityWords(p)}.`,
  ];
}

function compared({ run, view }: Shown, frame: Frame, reference: Frame): Node[] {
  const { classes } = run.attributes;
  const { image } = view;
  const line = (when: string, of: Frame) =>
    h(
      "span",
      { class: "line" },
      h("b", {}, `${capital(when)}: `),
      `${classes[of.predictions[image]]}; ${pointWords(of, image, classes)}.`,
    );
  const target = frame.targets?.[image];
  const name = `Image ${image}, ${classes[run.labels[image]]}`;
  if (target === NOT_ATTACKED)
    return [
      h("b", {}, name),
      document.createTextNode(`: not attacked, since the network is wrong about it as it is.`),
    ];
  const aim = target === undefined ? "" : `; the attack aims at ${classes[target]}`;
  const [before, after] =
    frame.condition.kind === "attack"
      ? ["Before", stepLabel(run.condition(view.condition), view.step)]
      : ["Training", frame.condition.name];
  return [h("b", {}, `${name}${aim}.`), line(before, reference), line(after, frame)];
}

/** How many knowledge points an image has, and which classes most of them speak for. */
function pointWords(frame: Frame, image: number, names: string[]): string {
  const { total, classes } = pointsOfImage(frame, image);
  const said = classes.slice(0, 3).map(([each, count]) => `${count} ${names[each]}`);
  const more = classes.length > 3 ? ", …" : "";
  return total
    ? `${total} knowledge point${total > 1 ? "s" : ""}: ${said.join(", ")}${more}`
    : "no knowledge point";
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
