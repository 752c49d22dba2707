/** The attributes of an atlas's root (docs/atlas-format.md), and their validation. */

const FORMAT = "patternscope-atlas";
/**
 * Version 1 has neither temperatures nor evidence; its probabilities are those of unscaled positions. Up to version
 * 2, integers are stored without planes.
 */
const VERSIONS: unknown[] = [1, 2, 3];

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
  /** Bits of a region that is always correct, and whether they are about the labels or the network's decisions. */
  evidence?: { most: number; against: "labels" | "decision" } | null;
  /** The criterion by which images emerge; by points in atlases of earlier versions. */
  emerges?: "evidence" | "points";
  /** The number of networks of the study; the first is shown. */
  networks?: number;
  layers: Layer[];
  conditions: Condition[];
  aligned: boolean;
  concentration: { kappa_max: number; reach: number; values: number[] };
  left_out: string[];
}

/** Why an atlas cannot be shown; `kind` is the value of the page's `data-error`. */
export class AtlasError extends Error {
  constructor(
    readonly kind: "version" | "damaged",
    message: string,
  ) {
    super(message);
  }
}

/** Return the attributes of the root, or throw an error whose message is a sentence. */
export function checkAttributes(attributes: Record<string, unknown>): Attributes {
  if (attributes.format !== FORMAT)
    throw new AtlasError(
      "damaged",
      `This is not an atlas: format: expected "${FORMAT}", got ${JSON.stringify(attributes.format)}.`,
    );
  if (!VERSIONS.includes(attributes.version))
    throw new AtlasError(
      "version",
      `This atlas has version ${JSON.stringify(attributes.version)}; this page reads versions 1 to ${VERSIONS.length}. ` +
        "Write the atlas again with your version of patternscope, or open it with the version that wrote it.",
    );
  const lists = ["classes", "layers", "conditions", "image_size", "left_out"];
  const missing = [
    ...lists.filter((name) => !Array.isArray(attributes[name])),
    ...(attributes.concentration ? [] : ["concentration"]),
  ];
  if (missing.length)
    throw new AtlasError("damaged", `This atlas is damaged: its root has no ${missing.join(", ")}.`);
  const checked = attributes as unknown as Attributes;
  const usable = checked.conditions.every(({ steps, layers }) => steps.length && layers.length);
  if (!checked.layers.length || !checked.conditions.length || !usable)
    throw new AtlasError("damaged", "This atlas is damaged: it has no layers or no steps.");
  return checked;
}
