/** Class marks: the ten colours of the figures, with another shape for each further ten classes. */

import palette from "../../../src/patternscope/figures/drawing/palette.json";

/** Shapes in the order of the figures' markers; the point shader branches on the index. */
const SHAPES = ["circle", "triangle", "square", "diamond", "down", "plus", "cross", "star"] as const;

export type Rgb = [number, number, number];

/** Colour and shape of a point. */
export interface Look {
  rgb: Rgb;
  shape: number;
}

/** Those of a class; marks repeat after 80 classes. */
export interface Mark extends Look {
  colour: string;
}

export const MUTED: Rgb = rgbOf(palette.muted);
const STRENGTHS = ["#a3aebb", "#7f9cc4", "#6f7fcb", "#8a58bd", "#ad2a9d"].map(rgbOf);
const [AGAINST, FOR] = palette.evidence.map(rgbOf);

/** Black stands for the ink of the theme, which is drawn nearly black on light and nearly white on dark. */
export const INK: Rgb = [0, 0, 0];

/** The look of reliable and unreliable points: the ink of the theme or a grey of 3:1 to both, and two shapes. */
export const RELIABLE: Look = { rgb: INK, shape: 0 };
export const UNRELIABLE: Look = { rgb: rgbOf(palette.ink), shape: SHAPES.indexOf("cross") };

/** Trajectory types of an attacked region, by the number that the atlas stores; each has its colour and shape. */
export const TRAJECTORY_TYPES = [
  "no type",
  "to target around the origin",
  "to target through the origin",
  "nothing to target",
  "feature to nothing",
] as const;
export const TRAJECTORY_COLOURS: Rgb[] = [MUTED, ...palette.paths.map(rgbOf)];
export const TRAJECTORY_SHAPES = [0, 0, 1, 2, 3];

export function rgbOf(hex: string): Rgb {
  const value = parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

export function css(rgb: Rgb): string {
  const [red, green, blue] = rgb;
  if (isInk(red, green, blue)) return "var(--ink)";
  return `rgb(${red} ${green} ${blue})`;
}

export function isInk(red: number, green: number, blue: number): boolean {
  return red === 0 && green === 0 && blue === 0;
}

/** The ink on a background: that of the page's style sheet. */
export function inkOn([, green]: Rgb): Rgb {
  return green > 127 ? [29, 35, 41] : [230, 234, 238];
}

export function classMarks(count: number): Mark[] {
  return Array.from({ length: count }, (_, label) => mark(label, label % palette.classes.length));
}

/** Marks of classes by their names: a class with the name of a CSS colour gets its hue, the others take the rest. */
export function namedMarks(names: string[]): Mark[] {
  const size = palette.classes.length;
  const blocks = Array.from({ length: Math.ceil(names.length / size) }, (_, block) =>
    names.slice(size * block, size * (block + 1)).map((name) => name.trim().toLowerCase()),
  );
  return blocks.flatMap((block, number) => {
    const wanted = block.map((name) => palette.classes.findIndex((entry) => entry.names.includes(name)));
    const free = palette.classes.map((_, place) => place).filter((place) => !wanted.includes(place));
    return wanted.map((place, at) => {
      const chosen = place < 0 || wanted.indexOf(place) < at ? free.shift()! : place;
      return mark(size * number + at, chosen);
    });
  });
}

function mark(label: number, place: number): Mark {
  const { colour } = palette.classes[place];
  const shape = Math.floor(label / palette.classes.length) % SHAPES.length;
  return { colour, rgb: rgbOf(colour), shape };
}

/** Colour of a strength in [0, 1]: from grey, which recedes in both themes, to purple. */
export function strengthColour(strength: number): Rgb {
  const position = Math.min(1, Math.max(0, strength)) * (STRENGTHS.length - 1);
  const low = Math.min(STRENGTHS.length - 2, Math.floor(position));
  const mix = (channel: number) =>
    Math.round(
      STRENGTHS[low][channel] + (position - low) * (STRENGTHS[low + 1][channel] - STRENGTHS[low][channel]),
    );
  return [mix(0), mix(1), mix(2)];
}

/** Colour of evidence as a share of the most, in [-1, 1]: grey at 0, blue for the true class, orange against it. */
export function evidenceColour(share: number): Rgb {
  const [end, weight] = [share < 0 ? AGAINST : FOR, Math.min(1, Math.abs(share))];
  const mix = (channel: number) => Math.round(MUTED[channel] + weight * (end[channel] - MUTED[channel]));
  return [mix(0), mix(1), mix(2)];
}

/** Path of a shape of the given radius around the origin, for SVG. */
export function shapePath(shape: number, radius: number): string {
  const corners = (points: [number, number][]) =>
    `M${points.map(([x, y]) => `${(x * radius).toFixed(2)} ${(y * radius).toFixed(2)}`).join("L")}Z`;
  const rotated = (points: [number, number][], angle: number): [number, number][] =>
    points.map(([x, y]) => [
      x * Math.cos(angle) - y * Math.sin(angle),
      x * Math.sin(angle) + y * Math.cos(angle),
    ]);
  const bar = 0.36;
  const plus: [number, number][] = [
    [-bar, -1],
    [bar, -1],
    [bar, -bar],
    [1, -bar],
    [1, bar],
    [bar, bar],
    [bar, 1],
    [-bar, 1],
    [-bar, bar],
    [-1, bar],
    [-1, -bar],
    [-bar, -bar],
  ];
  const star = Array.from({ length: 10 }, (_, corner): [number, number] => {
    const reach = corner % 2 ? 0.45 : 1.1;
    return [reach * Math.sin((corner * Math.PI) / 5), -reach * Math.cos((corner * Math.PI) / 5)];
  });
  switch (SHAPES[shape]) {
    case "triangle":
      return corners([
        [0, -1.1],
        [1, 0.75],
        [-1, 0.75],
      ]);
    case "square":
      return corners([
        [-0.85, -0.85],
        [0.85, -0.85],
        [0.85, 0.85],
        [-0.85, 0.85],
      ]);
    case "diamond":
      return corners([
        [0, -1.15],
        [1.15, 0],
        [0, 1.15],
        [-1.15, 0],
      ]);
    case "down":
      return corners([
        [0, 1.1],
        [1, -0.75],
        [-1, -0.75],
      ]);
    case "plus":
      return corners(plus);
    case "cross":
      return corners(rotated(plus, Math.PI / 4));
    case "star":
      return corners(star);
    default:
      return `M${-radius} 0a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0Z`;
  }
}
