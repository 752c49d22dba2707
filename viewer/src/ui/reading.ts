/** How to read the page, for someone who sees it for the first time. */

import { h } from "../dom";

const PARTS: [string, string][] = [
  [
    "The map",
    "One row per layer, the deepest on top; from left to right the training, in true spacing of its steps. The area is the evidence: how many bits a region of the layer tells about its image's class, on average, with its 95 % interval. The thin line is what a linear probe reads from the layer; the dotted one is chance. Below each area are the knowledge points per image, the reliable ones solid, the unreliable ones hatched. The name of a class marks where it emerges. Drag the vertical line to move through training; click a row to choose its layer.",
  ],
  [
    "The image",
    "The same image in every layer and at several checkpoints. Solid outlines enclose reliable knowledge points, dashed ones unreliable points. Blue regions have evidence of the image's class, orange ones of another class.",
  ],
  ["Confusions", "How many regions of images of one class predict another class."],
  [
    "The space",
    "A point is a region of an image. An arrow is the mean direction of a class; the farther a point lies along one arrow rather than the others, the more confidently its region predicts that class. Points near the origin predict nothing.",
  ],
  [
    "Words",
    "Emerges: from that checkpoint on, half of the images of a class have evidence of it in the layer; the evidence may be small, so read it next to the name. Evidence below 0: the regions predict another class than the image's. Refits: maps fitted again to other halves of the images. Residual: the distance of the points of a checkpoint from those of the one before, after the best rotation; if it is large, points cannot be followed, and the pictures cross-fade. Strength: the distance from the origin.",
  ],
];

export function readingDialog(): HTMLDialogElement {
  return h(
    "dialog",
    { class: "reading", "aria-label": "How to read" },
    h("h2", {}, "How to read this page"),
    ...PARTS.flatMap(([title, text]) => [h("h3", {}, title), h("p", {}, text)]),
    h("form", { method: "dialog" }, h("button", { class: "tool wide" }, "Close")),
  );
}
