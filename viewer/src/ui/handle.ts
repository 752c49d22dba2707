/** `window.patternscope`: a handle on the page, for tests and scripts (docs/atlas-format.md). */

import { countLedger, readFlows, type Since } from "../data/ledger";
import { regionPosterior } from "../data/regions";
import { positionOf } from "../space/motion";
import { lasso, project, type Scene } from "../space/picking";
import type { View } from "../state/view";
import type { Viewer } from "./viewer";

type RequestedView = Partial<Omit<View, "filter"> & { filter: Partial<View["filter"]> }>;

export function makeHandle(viewer: Viewer) {
  const { stage, timings } = viewer;
  const scene = () => stage.scene() as Scene;
  const corner = () => stage.element.getBoundingClientRect();
  const forAll = (size: number, fill: (id: number) => readonly number[]) => {
    const { motion } = scene();
    const count = motion.to.points.length / 3;
    const values = new Float32Array(size * count);
    for (let id = 0; id < count; id++) values.set(fill(id).slice(0, size), size * id);
    return values;
  };
  return {
    state() {
      const { camera: _, ...state } = viewer.view();
      return state;
    },
    async set(changes: RequestedView) {
      const { filter, ...others } = changes;
      const next = filter && { ...viewer.view().filter, ...filter };
      const before = viewer.snapshot()?.frame;
      await viewer.change({ ...others, ...(next && { filter: next }) } as Partial<View>);
      const start = performance.now();
      stage.finish();
      if (viewer.snapshot()?.frame !== before) timings.step += performance.now() - start;
      viewer.keepAddress();
    },
    positions: () => forAll(3, (id) => positionOf(scene().motion, id)),
    projected() {
      const { left, top } = corner();
      const { matrix, box, motion } = scene();
      return forAll(2, (id) => {
        const [x, y] = project(matrix, box, ...positionOf(motion, id));
        return [left + x, top + y];
      });
    },
    visible: () => scene().visible,
    /** Rotate to the view that separates classes; without any, the visible ones. */
    flyTo: (classes: number[]) => stage.flyTo(classes),
    /** What the view shows: classes, exact, shares on the screen and with depth, hidden pairs. */
    facts: () => viewer.facts(),
    camera() {
      const { matrix, box } = scene();
      const { left, top } = corner();
      return {
        matrix: Array.from(matrix),
        axes: stage.seen()?.axes,
        rect: { left: left + box.left, top: top + box.top, width: box.width, height: box.height },
      };
    },
    pick(x: number, y: number) {
      const { left, top } = corner();
      const start = performance.now();
      const id = stage.pick(x - left, y - top);
      timings.pick = performance.now() - start;
      return id;
    },
    lasso(polygon: [number, number][]) {
      const { left, top } = corner();
      return lasso(
        scene(),
        polygon.map(([x, y]) => [x - left, y - top]),
      );
    },
    posterior(id: number) {
      const frame = viewer.snapshot()?.frame;
      return frame ? regionPosterior(viewer.atlas, frame, id) : null;
    },
    /** The ledger of the view, since the step before or the first one; null without anything to compare with. */
    async ledger(since: Since) {
      const { atlas } = viewer;
      const frame = viewer.snapshot()?.frame;
      const flows = frame && (await readFlows(atlas, frame, since));
      return frame && flows ? countLedger(flows, frame, atlas.labels, atlas.attributes.classes.length) : null;
    },
    timings,
  };
}
