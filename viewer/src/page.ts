/** The page: the store is in a folder beside it or in the page itself. */

import { makeHandle } from "./handle";
import { openAtlas } from "./open";
import { embeddedStore, folderStore } from "./store";

async function begin(): Promise<void> {
  const root = document.getElementById("atlas") as HTMLElement;
  const { store } = root.dataset;
  const viewer = await openAtlas(root, store === undefined ? embeddedStore(document) : folderStore(store), {
    address: true,
  });
  if (viewer) Object.assign(window, { patternscope: makeHandle(viewer) });
}

// The script may stand before the store's elements: they are there when the page is read to its end.
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => void begin());
else void begin();
