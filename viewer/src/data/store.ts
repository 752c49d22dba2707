/** The bytes of an atlas: from the page itself, a folder, or a notebook's kernel. */

/** The bytes of one file of the store, or undefined where it does not exist. */
export type Get = (key: string) => Promise<Uint8Array | undefined>;

/** The store inside the page: one script element per key, its base64 decoded on request. */
export function embeddedStore(page: ParentNode): Get {
  const elements = new Map<string, Element>();
  for (const element of page.querySelectorAll("script[data-key]"))
    elements.set(element.getAttribute("data-key") as string, element);
  return async (key) => {
    const text = elements.get(key)?.textContent;
    return text === undefined || text === null ? undefined : fromBase64(text);
  };
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

/** The store in the kernel, file by file over custom messages; `close` stops listening. */
export function kernelStore(model: Model): { get: Get; close: () => void } {
  const pending = new Map<number, (bytes: Uint8Array | undefined) => void>();
  let lastId = 0;
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
