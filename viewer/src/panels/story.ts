/** What a study found, in one title and five answers. */

import type { Atlas } from "../data/atlas";
import { readChoice } from "../data/choices";
import { readEmergence, readLayerCounts, type LayerCounts } from "../data/findings";
import type { Condition } from "../data/format";
import type { View } from "../state/view";
import { formatBits, formatNumber, joinWords } from "./formatting";

/** A question with its answer, and the view that shows it. */
export interface StoryLink {
  question: string;
  answer: string;
  view: Partial<View>;
}

export interface Story {
  title: string;
  links: StoryLink[];
}

/** Steps by which the first and the last of a layer's classes have emerged; null where none has. */
interface Span {
  layer: string;
  first: number;
  last: number;
  classes: number;
}

export async function readStory(atlas: Atlas): Promise<Story> {
  const [training] = atlas.attributes.conditions;
  const counts = await readLayerCounts(atlas, training.key);
  const span = await readSpan(atlas, training);
  return {
    title: counts.length ? titleOf(atlas, training, counts, span) : atlas.attributes.title,
    links: [
      whenLink(atlas, training, span),
      ...layerLinks(training, counts),
      ...(await imageLinks(atlas, training, span)),
      ...otherLinks(atlas, training),
    ],
  };
}

/** The layer in which most classes emerge, the deepest of several, and when they do. */
async function readSpan(atlas: Atlas, training: Condition): Promise<Span | null> {
  let best: Span | null = null;
  for (const layer of training.layers) {
    const emergence = await readEmergence(atlas, layer);
    if (!emergence) continue;
    const steps = Array.from(emergence.first).filter((step) => !Number.isNaN(step));
    if (!steps.length || steps.length < (best?.classes ?? 0)) continue;
    const [first, last] = [Math.ceil(Math.min(...steps)), Math.ceil(Math.max(...steps))];
    best = { layer, first, last, classes: steps.length };
  }
  return best;
}

function titleOf(atlas: Atlas, training: Condition, counts: LayerCounts[], span: Span | null): string {
  const last = training.steps.length - 1;
  const layers = compareLayers(atlas, counts, last);
  if (training.steps.length === 1) return layers;
  const when = span
    ? span.first === span.last
      ? `Classes emerge at ${training.steps[span.first].label}`
      : `Classes emerge between ${between(training, span)}`
    : "No class emerges";
  return `${when}; ${layers.charAt(0).toLowerCase()}${layers.slice(1)}`;
}

/** The best layer at a step beside the one that tells least. */
function compareLayers(atlas: Atlas, counts: LayerCounts[], step: number): string {
  const sorted = [...counts].sort((one, other) => worth(other, step) - worth(one, step));
  const [best, least] = [sorted[0], sorted[sorted.length - 1]];
  const what = (layer: LayerCounts) => {
    const { told, reliable } = layer.rows[step];
    return told ? formatBits(told.evidence.value) : formatNumber(reliable.value);
  };
  const decision = atlas.attributes.evidence?.against === "decision";
  const text = best.rows[step].told
    ? `A region of ${best.layer.name} tells ${what(best)} bits about ${decision ? "the network's decision" : "its image's class"}`
    : `An image has ${what(best)} reliable points in ${best.layer.name}`;
  if (sorted.length < 2) return text;
  return `${text}, ${best.rows[step].told ? "one of" : "in"} ${least.layer.name} ${what(least)}`;
}

/** What layers are ranked by: evidence, or reliable points where it was not measured. */
function worth({ rows }: LayerCounts, step: number): number {
  return rows[step].told?.evidence.value ?? (rows[step].reliable.value || 0);
}

/** "steps 140 and 426", or two labels where they are not numbered. */
function between({ steps }: Condition, { first, last }: Span): string {
  const [from, to] = [steps[first], steps[last]];
  if (from.number === null || to.number === null) return `${from.label} and ${to.label}`;
  return `steps ${from.number.toLocaleString("en")} and ${to.number.toLocaleString("en")}`;
}

function whenLink(atlas: Atlas, training: Condition, span: Span | null): StoryLink {
  const base = { condition: training.key };
  const all = atlas.attributes.classes.length;
  if (!span) return { question: "When?", answer: "No class emerges in any layer.", view: base };
  const how = span.classes === all ? `All ${all}` : `${span.classes} of ${all}`;
  const when =
    training.steps.length === 1
      ? "are there at the one checkpoint."
      : span.first === span.last
        ? `emerge at ${training.steps[span.first].label}.`
        : `emerge between ${between(training, span)}.`;
  return {
    question: "When?",
    answer: `${how} classes of ${atlas.layer(span.layer).name} ${when}`,
    view: { ...base, layer: span.layer, step: span.last },
  };
}

function layerLinks(training: Condition, counts: LayerCounts[]): StoryLink[] {
  const step = training.steps.length - 1;
  const [best] = [...counts].sort((one, other) => worth(other, step) - worth(one, step));
  if (!best) return [];
  const { told, reliable } = best.rows[step];
  const answer = told
    ? `${best.layer.name} tells most: ${formatBits(told.evidence.value)} bits per region.`
    : `${best.layer.name} has most reliable points: ${formatNumber(reliable.value)} per image.`;
  return [
    {
      question: "Which layer?",
      answer,
      view: { condition: training.key, layer: best.layer.key, step },
    },
  ];
}

/** Where in one image, and what is taken for what: of the layer in which most classes emerge. */
async function imageLinks(atlas: Atlas, training: Condition, span: Span | null): Promise<StoryLink[]> {
  const layer = span?.layer ?? training.layers[training.layers.length - 1];
  const step = training.steps.length - 1;
  const path = `layers/${layer}/${training.key}`;
  const [images, knowledge, category] = await Promise.all([
    readChoice(atlas, "typical", layer, null),
    atlas.read<Uint8Array>(`${path}/knowledge`, step),
    atlas.read<Uint8Array>(`${path}/category`, step),
  ]).catch(() => [null, null, null] as const);
  if (!images?.length || !knowledge || !category) return [];
  const [image] = images;
  const regions = knowledge.length / atlas.attributes.n_images;
  const own = knowledge.subarray(image * regions, (image + 1) * regions);
  const name = atlas.attributes.classes[atlas.labels[image]];
  const view = { condition: training.key, layer, step };
  return [
    {
      question: "Where in the image?",
      answer: `In this image of ${name}, ${own.filter((bits) => bits & 2).length} of ${regions} regions are reliable points.`,
      view: { ...view, image, selection: [] },
    },
    {
      question: "What for what?",
      answer: confusionAnswer(atlas, knowledge, category),
      view: { ...view, tab: "confusions" },
    },
  ];
}

/** The most frequent wrong class among the knowledge points of a class. */
function confusionAnswer(atlas: Atlas, knowledge: Uint8Array, category: ArrayLike<number>): string {
  const names = atlas.attributes.classes;
  const counts = new Float64Array(names.length ** 2);
  const points = new Float64Array(names.length);
  const regions = knowledge.length / atlas.attributes.n_images;
  knowledge.forEach((bits, id) => {
    if (!(bits & 1)) return;
    const label = atlas.labels[Math.floor(id / regions)];
    points[label]++;
    if (!(bits & 2)) counts[label * names.length + category[id]]++;
  });
  const share = (cell: number) => counts[cell] / (points[Math.floor(cell / names.length)] || 1);
  const worst = counts.reduce((best, _, cell) => (share(cell) > share(best) ? cell : best), 0);
  if (!counts[worst]) return "No knowledge point predicts a wrong class.";
  const [label, taken] = [Math.floor(worst / names.length), worst % names.length];
  return `${names[label]} is most often taken for ${names[taken]}: ${Math.round(100 * share(worst))} % of its points.`;
}

function otherLinks({ attributes }: Atlas, training: Condition): StoryLink[] {
  const others = attributes.conditions.filter(({ key }) => key !== training.key);
  if (!others.length) return [];
  const [first] = others;
  return [
    {
      question: others.some(({ kind }) => kind === "attack") ? "Under attack?" : "And a student?",
      answer: `Compare with ${joinWords(others.map(({ name }) => name))}.`,
      view: { condition: first.key, step: first.steps.length - 1 },
    },
  ];
}
