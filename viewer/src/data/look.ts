/** A new picture, analysed by the study's network in Python: the results of its layers. */

import type { Grid } from "./format";
import { firstId, type Model } from "./store";

/** The results of one layer (`patternscope.atlas.looking`); classes by label, images by their numbers in the atlas. */
export interface LookedLayer {
  layer: string;
  grid: Grid;
  /** The class with the most evidence in its regions, in bits per region, and the same for the predicted class. */
  most: number;
  bits: number;
  bits_of_predicted: number;
  /** Knowledge points, of any class. */
  points: number;
  /** Probability of the predicted class at each region, and where it is highest. */
  probability: number[];
  region: number;
  near: { image: number | null; region: number; label: number; distance: number }[];
  /** Null if the study has no patterns. */
  patterns: { title: string; regions: number; expected: number }[] | null;
}

export interface Look {
  predicted: number;
  probability: number;
  layers: LookedLayer[];
}

/** The picture as the study sees it (PNG), and its analysis. */
export interface Looked {
  look: Look;
  picture: Uint8Array<ArrayBuffer>;
}

/** A message may have bytes. */
interface SendingModel extends Model {
  send(message: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
}

interface Reply {
  type: string;
  id: number;
  look?: Look;
  error?: string;
}

/** Sends the bytes of a picture's file and resolves with the answer; an error of Python is a sentence. */
export type AskLook = (bytes: ArrayBuffer) => Promise<Looked>;

export function kernelLook(model: SendingModel): { ask: AskLook; close: () => void } {
  const pending = new Map<number, { resolve(looked: Looked): void; reject(error: Error): void }>();
  let lastId = firstId();
  const receive = (message: Reply, buffers: DataView[]) => {
    if (message?.type !== "looked") return;
    const waiting = pending.get(message.id);
    pending.delete(message.id);
    if (!message.look) return waiting?.reject(new Error(message.error ?? "Python gave no answer."));
    const [view] = buffers;
    const picture = new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength).slice();
    waiting?.resolve({ look: message.look, picture });
  };
  model.on("msg:custom", receive);
  const ask: AskLook = (bytes) =>
    new Promise((resolve, reject) => {
      pending.set(++lastId, { resolve, reject });
      model.send({ type: "look", id: lastId }, undefined, [bytes]);
    });
  return { ask, close: () => model.off("msg:custom", receive) };
}
