/** Entry point of the page, whose store is in a folder next to it or in the page itself. */

import { embeddedStore, folderStore } from "../data/store";
import { makeHandle } from "./handle";
import { showAtlas } from "./open";

async function begin(): Promise<void> {
  const root = document.getElementById("atlas") as HTMLElement;
  const { store } = root.dataset;
  const viewer = await showAtlas(root, store === undefined ? embeddedStore(document) : folderStore(store), {
    address: true,
  });
  if (viewer) Object.assign(window, { patternscope: makeHandle(viewer) });
}

void begin();
