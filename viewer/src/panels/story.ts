/** The findings of a study, in one title and five answers. */

import type { Atlas } from "../data/atlas";
import { readChoice } from "../data/choices";
import { countConfusions, largestConfusions, type Predictions } from "../data/confusions";
import { readEmergence, readLayerCounts, type LayerCounts } from "../data/findings";
import type { Condition } from "../data/format";
import { readTemperatures, type Frame } from "../data/frame";
import type { View } from "../state/view";
import { formatBits, formatNumber, formatPercent, joinWords } from "./formatting";

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

/** Steps at which the first and the last of a layer's classes have emerged; null if none has. */
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
      ...(await otherLinks(atlas)),
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
  const layers = compareLayers(counts, last);
  if (training.steps.length === 1) return `At the single checkpoint, ${layers}`;
  if (!span) return `No class emerges; ${layers}`;
  const when =
    span.first === span.last
      ? `at ${training.steps[span.first].label}`
      : `between ${between(training, span)}`;
  return `In ${atlas.layer(span.layer).name} classes emerge ${when}; ${layers}`;
}

/** The best layer at a step, compared with the one that tells least. */
function compareLayers(counts: LayerCounts[], step: number): string {
  const sorted = [...counts].sort((one, other) => worth(other, step) - worth(one, step));
  const [best, least] = [sorted[0], sorted[sorted.length - 1]];
  const what = (layer: LayerCounts) => {
    const { told, reliable } = layer.rows[step];
    return told ? formatBits(told.evidence.value) : formatNumber(reliable.value);
  };
  const { told } = best.rows[step];
  const text = told
    ? `${best.layer.name} tells ${what(best)} bits per region`
    : `an image has ${what(best)} reliable points in ${best.layer.name}`;
  if (sorted.length < 2) return text;
  return `${text}, ${told ? "" : "in "}${least.layer.name} ${what(least)}`;
}

/** The value by which layers are ranked: evidence, or reliable points if it was not measured. */
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
      ? "have emerged at the single checkpoint."
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

/** Where in one image, and what is confused with what: for the layer in which most classes emerge. */
async function imageLinks(atlas: Atlas, training: Condition, span: Span | null): Promise<StoryLink[]> {
  const layer = span?.layer ?? training.layers[training.layers.length - 1];
  const step = training.steps.length - 1;
  const path = `layers/${layer}/${training.key}`;
  const [images, knowledge, category, temperatures] = await Promise.all([
    readChoice(atlas, "typical", layer, null),
    atlas.read<Uint8Array>(`${path}/knowledge`, step),
    atlas.read<Frame["category"]>(`${path}/category`, step),
    readTemperatures(atlas, training.key, layer, step),
  ]).catch(() => [null, null, null, null] as const);
  if (!images?.length || !knowledge || !category) return [];
  const [image] = images;
  const regions = knowledge.length / atlas.attributes.n_images;
  const own = knowledge.subarray(image * regions, (image + 1) * regions);
  const name = atlas.attributes.classes[atlas.labels[image]];
  const view = { condition: training.key, layer, step };
  return [
    {
      question: "Where in the image?",
      answer: `In image ${image}, ${name}, ${own.filter((bits) => bits & 2).length} of ${regions} regions are reliable points.`,
      view: { ...view, image, selection: [] },
    },
    {
      question: "What for what?",
      answer: confusionAnswer(atlas, { category, knowledge, temperatures, regions }),
      view: { ...view, tab: "confusions" },
    },
  ];
}

/** The largest confusion of all regions, as first shown in the matrix. */
function confusionAnswer(atlas: Atlas, predictions: Predictions): string {
  const names = atlas.attributes.classes;
  const [largest] = largestConfusions(countConfusions(predictions, atlas.labels, names.length, "regions"), 1);
  return largest
    ? `${names[largest.truth]} is most often taken for ${names[largest.predicted]}: ${formatPercent(largest.share)} of its regions.`
    : "No region predicts a wrong class.";
}

/** The attack if there is one, otherwise a student. */
async function otherLinks(atlas: Atlas): Promise<StoryLink[]> {
  const { conditions } = atlas.attributes;
  const other =
    conditions.find(({ kind }) => kind === "attack") ?? conditions.find(({ kind }) => kind === "model");
  if (!other) return [];
  const students = conditions.filter(({ kind }) => kind === "model").map(({ name }) => name);
  const attacked = other.kind === "attack" ? await attackAnswer(atlas, other) : "";
  const compared = students.length ? `Compare with ${joinWords(students)}.` : "";
  return [
    {
      question: other.kind === "attack" ? "Under attack?" : "In a student?",
      answer: [attacked, attacked && students.length > 1 ? "" : compared].filter(Boolean).join(" "),
      view: { condition: other.key, step: other.steps.length - 1 },
    },
  ];
}

async function attackAnswer(atlas: Atlas, { key, name }: Condition): Promise<string> {
  const path = `conditions/${key}/outcome`;
  const outcome = atlas.has(path) ? await atlas.read<Uint8Array>(path).catch(() => null) : null;
  if (!outcome) return `Compare with ${name}.`;
  const count = (bits: number) => outcome.filter((value) => (value & bits) === bits).length;
  return `The attack succeeds on ${count(3)} of ${count(1)} images.`;
}
