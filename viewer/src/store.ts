/** Where the bytes of an atlas come from: the page itself, a folder, or a notebook's kernel. */

/** The bytes of one file of the store, or nothing when there is no such file. */
export type Get = (key: string) => Promise<Uint8Array | undefined>;

/** The store inside the page: one script element with base64 a key, decoded when asked for. */
export function embeddedStore(page: ParentNode): Get {
  const found = new Map<string, Element>();
  for (const element of page.querySelectorAll("script[data-key]"))
    found.set(element.getAttribute("data-key") as string, element);
  return async (key) => {
    const text = found.get(key)?.textContent;
    return text === undefined || text === null ? undefined : fromBase64(text);
  };
}

export function fromBase64(text: string): Uint8Array {
  const binary = atob(text.trim());
  const bytes = new Uint8Array(binary.length);
  for (let each = 0; each < bytes.length; each++) bytes[each] = binary.charCodeAt(each);
  return bytes;
}

/** A folder behind any file server, relative to the page. */
export function folderStore(folder: string): Get {
  return async (key) => {
    const answer = await fetch(folder + key);
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw new Error(`${key}: the server answered ${answer.status} ${answer.statusText}`);
    return new Uint8Array(await answer.arrayBuffer());
  };
}

/** What the widget needs of a notebook's model (anywidget). */
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: (...arguments_: never[]) => void): void;
  off(event: string, callback: (...arguments_: never[]) => void): void;
  send(message: unknown): void;
}

interface Answer {
  type: string;
  id: number;
  key: string;
  found: boolean;
}

/** The store of the kernel, file by file over custom messages; `close` stops listening. */
export function kernelStore(model: Model): { get: Get; close: () => void } {
  const waiting = new Map<number, (bytes: Uint8Array | undefined) => void>();
  let last = 0;
  const receive = (message: Answer, buffers: DataView[]) => {
    if (message?.type !== "got") return;
    const view = message.found ? buffers[0] : undefined;
    waiting.get(message.id)?.(view && new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice());
    waiting.delete(message.id);
  };
  model.on("msg:custom", receive);
  const get: Get = (key) =>
    new Promise((resolve) => {
      waiting.set(++last, resolve);
      model.send({ type: "get", id: last, key });
    });
  return { get, close: () => model.off("msg:custom", receive) };
}
