/** What the root of an atlas says of itself (docs/atlas-format.md), and how it is checked. */

const FORMAT = "patternscope-atlas";
const VERSION = 1;

export type Grid = [height: number, width: number];

export interface Step {
  label: string;
  number: number | null;
  accuracy: number | null;
  residual: number | null;
  angle: number | null;
}

export interface Layer {
  key: string;
  name: string;
  grid: Grid;
}

export interface Condition {
  key: string;
  name: string;
  kind: "training" | "attack" | "model";
  steps: Step[];
  layers: string[];
  grids: Record<string, Grid>;
  note: string | null;
}

export interface Attributes {
  title: string;
  n_images: number;
  image_size: Grid;
  dimensions: number;
  classes: string[];
  tau: number;
  layers: Layer[];
  conditions: Condition[];
  aligned: boolean;
  concentration: { kappa_max: number; reach: number; values: number[] };
  left_out: string[];
}

/** Why an atlas cannot be shown; `kind` is what the page's `data-error` says. */
export class AtlasError extends Error {
  constructor(
    readonly kind: "version" | "damaged",
    message: string,
  ) {
    super(message);
  }
}

/** The attributes of the root, or an error that says in a sentence what is wrong. */
export function checkAttributes(found: Record<string, unknown>): Attributes {
  if (found.format !== FORMAT)
    throw new AtlasError(
      "damaged",
      `This is not an atlas: its format is ${JSON.stringify(found.format)}, not "${FORMAT}".`,
    );
  if (found.version !== VERSION)
    throw new AtlasError(
      "version",
      `This atlas has version ${JSON.stringify(found.version)} and this page reads version ${VERSION}. ` +
        "Write it again with the patternscope that you have, or open it with the one that wrote it.",
    );
  const lists = ["classes", "layers", "conditions", "image_size", "left_out"];
  const missing = [
    ...lists.filter((name) => !Array.isArray(found[name])),
    ...(found.concentration ? [] : ["concentration"]),
  ];
  if (missing.length)
    throw new AtlasError("damaged", `This atlas is damaged: it does not say its ${missing.join(", ")}.`);
  const attributes = found as unknown as Attributes;
  const usable = attributes.conditions.every((each) => each.steps.length && each.layers.length);
  if (!attributes.layers.length || !attributes.conditions.length || !usable)
    throw new AtlasError("damaged", "This atlas is damaged: it has no layer or no step to show.");
  return attributes;
}
