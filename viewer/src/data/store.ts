/** The bytes of an atlas: from the page itself, a folder, or a notebook's kernel. */

/** The bytes of one file of the store, or undefined where it does not exist. */
export type Get = (key: string) => Promise<Uint8Array | undefined>;

/**
 * The store inside the page: one script element per key, its text decoded on request. What the first picture needs comes
 * before the page's script, so that it is drawn while the rest is still read; a key that comes later is waited for.
 */
export function embeddedStore(page: Document): Get {
  // Those before the script are complete. The text of one that is being read is not.
  let elements = elementsByKey(page);
  const whole =
    page.readyState === "loading"
      ? new Promise<void>((resolve) => page.addEventListener("DOMContentLoaded", () => resolve())).then(
          () => {
            elements = elementsByKey(page);
          },
        )
      : Promise.resolve();
  return async (key) => {
    if (!elements.has(key)) await whole;
    const text = elements.get(key)?.textContent;
    return text === undefined || text === null ? undefined : fromText(text);
  };
}

function elementsByKey(page: ParentNode): Map<string, Element> {
  return new Map(
    Array.from(page.querySelectorAll("script[data-key]"), (element) => [
      element.getAttribute("data-key") as string,
      element,
    ]),
  );
}

/** Digits of base 85 as in Python's `b85encode`, with a comma for "<": no text can end its element. */
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;,=>?@^_`{|}~";
const VALUES = new Uint8Array(128);
for (let value = 0; value < DIGITS.length; value++) VALUES[DIGITS.charCodeAt(value)] = value;

/** The bytes of a text: base 85 after a colon, otherwise base64, as atlases up to version 2 have it. */
export function fromText(text: string): Uint8Array {
  return text.startsWith(":") ? fromBase85(text) : fromBase64(text);
}

function fromBase85(text: string): Uint8Array {
  const digits = text.length - 1;
  const groups = Math.ceil(digits / 5);
  // Digits that a last group lacks are the highest ones.
  const codes = new Uint8Array(1 + 5 * groups).fill(DIGITS.charCodeAt(84));
  new TextEncoder().encodeInto(text, codes);
  const bytes = new Uint8Array(4 * groups);
  const value = (at: number) => VALUES[codes[at]];
  for (let to = 0, at = 1; to < bytes.length; to += 4, at += 5) {
    const three = 85 * (85 * value(at) + value(at + 1)) + value(at + 2);
    const number = Math.imul(85 * 85, three) + 85 * value(at + 3) + value(at + 4); // modulo 2^32
    bytes[to] = number >>> 24;
    bytes[to + 1] = number >>> 16;
    bytes[to + 2] = number >>> 8;
    bytes[to + 3] = number;
  }
  return bytes.subarray(0, 4 * groups - (5 * groups - digits));
}

export function fromBase64(text: string): Uint8Array {
  const binary = atob(text.trim());
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

/** A folder behind any file server, relative to the page. */
export function folderStore(folder: string): Get {
  return async (key) => {
    const response = await fetch(folder + key);
    if (response.status === 404) return undefined;
    if (!response.ok)
      throw new Error(`${key}: the server responded with ${response.status} ${response.statusText}`);
    return new Uint8Array(await response.arrayBuffer());
  };
}

/** The part of a notebook's model (anywidget) that the widget uses. */
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: (...arguments_: never[]) => void): void;
  off(event: string, callback: (...arguments_: never[]) => void): void;
  send(message: unknown): void;
}

/** A reply of the kernel; `found` tells whether the file exists. */
interface Reply {
  type: string;
  id: number;
  key: string;
  found: boolean;
}

/** Where the numbers of a view's questions begin: views of one widget hear each other's answers. */
export const firstId = (): number => 4096 * Math.floor(Math.random() * 2 ** 40);

/** The store in the kernel, file by file over custom messages; `close` stops listening. */
export function kernelStore(model: Model): { get: Get; close: () => void } {
  const pending = new Map<number, (bytes: Uint8Array | undefined) => void>();
  let lastId = firstId();
  const receive = (message: Reply, buffers: DataView[]) => {
    if (message?.type !== "got") return;
    const view = message.found ? buffers[0] : undefined;
    pending.get(message.id)?.(view && new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice());
    pending.delete(message.id);
  };
  model.on("msg:custom", receive);
  const get: Get = (key) =>
    new Promise((resolve) => {
      pending.set(++lastId, resolve);
      model.send({ type: "get", id: lastId, key });
    });
  return { get, close: () => model.off("msg:custom", receive) };
}
