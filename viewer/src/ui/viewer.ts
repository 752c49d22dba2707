/** The viewer: loads the data of the view, draws space and panels, keeps the address. */

import type { Atlas } from "../data/atlas";
import { makeAttackImages } from "../data/attack_images";
import { makeFrameReader, type Frame, type FrameKey } from "../data/frame";
import { readFlows } from "../data/ledger";
import { makePathCache } from "../data/path_cache";
import { makePrefetch } from "../data/prefetch";
import { readPatterns } from "../data/patterns";
import { openThumbnails } from "../data/thumbnails";
import { makeChoosers } from "../panels/choosers";
import { makeComparison } from "../panels/comparison";
import { makeConfusions } from "../panels/confusions";
import { makeEmergence } from "../panels/emergence";
import { makeEmergenceMap } from "../panels/emergence_map";
import { makeImagePanel } from "../panels/image_panel";
import { makeLedger } from "../panels/ledger";
import { makeLegend } from "../panels/legend";
import { makePatterns } from "../panels/patterns";
import { pointTip } from "../panels/point_tip";
import { makeStrip } from "../panels/strip";
import { makeTables } from "../panels/tables";
import { readViewpoint } from "../space/class_view";
import { framesOf, makePainter, stageContent } from "../space/content";
import { makeStage, type Stage } from "../space/stage";
import { makeViewNote, viewFacts, type ViewFacts } from "../space/view_note";
import { fromAddress, makeAddress } from "../state/address";
import { namedMarks } from "../state/colours";
import { concernsFlows, separatedClasses } from "../state/facets";
import type { ChangeView, Snapshot } from "../state/snapshot";
import { applyChanges, firstView, translateIds, type Changes, type View } from "../state/view";
import { makeLayout, type Layout, type Parts } from "./layout";

export interface Viewer {
  atlas: Atlas;
  stage: Stage;
  view(): View;
  snapshot(): Snapshot | null;
  /** What the view of the space shows; null without points. */
  facts(): ViewFacts | null;
  /** Resolves when the change is drawn and all points are at their positions. */
  change(changes: Changes): Promise<void>;
  timings: { opened: number; step: number; pick: number };
  /** Write the address now, where it keeps the view. */
  keepAddress(): void;
  destroy(): void;
}

/** Where the viewer is embedded. */
export interface Host {
  /** Whether the address keeps the view. */
  address: boolean;
  onChange?: (view: View, atlas: Atlas) => void;
}

/** Milliseconds of loading after which the page says so. */
const PATIENCE = 700;

export async function makeViewer(root: HTMLElement, atlas: Atlas, host: Host): Promise<Viewer> {
  const marks = namedMarks(atlas.attributes.classes);
  const viewpoint = await readViewpoint(atlas);
  const frames = makeFrameReader(atlas);
  const prefetch = makePrefetch(atlas, (frame) => {
    viewpoint.arrows(frame, view.space, snapshot?.reach ?? 1);
    if (!view.camera?.axes)
      viewpoint.axes(frame, view.space, view.camera?.classes ?? separatedClasses(view.filter));
  });
  const clean = openThumbnails(atlas, "thumbnails");
  const attackImages = makeAttackImages(atlas, clean);
  const timings = { opened: 0, step: 0, pick: 0 };
  let view = applyChanges(atlas, firstView(atlas), host.address ? fromAddress(location.hash) : {});
  let snapshot: Snapshot | null = null;
  let renderNumber = 0;
  let loadingTimer = 0;
  const address = host.address ? makeAddress() : null;

  const load = async (): Promise<Snapshot> => {
    const now = view;
    const reference = referenceOf(atlas, now);
    const [frame, other, reach, attacked] = await Promise.allSettled([
      frames(now).then((frame) => withFacets(atlas, frame, now)),
      reference ? frames(reference) : null,
      viewpoint.reach(now.condition, now.space),
      attackImages(now.condition),
    ]);
    const value = <T>(result: PromiseSettledResult<T>) =>
      result.status === "fulfilled" ? result.value : null;
    const problem =
      frame.status === "rejected"
        ? `${(frame.reason as Error).message} The points of this step cannot be shown.`
        : other.status === "rejected"
          ? `${(other.reason as Error).message} The data for comparison cannot be shown.`
          : null;
    return {
      atlas,
      view: now,
      marks,
      frame: value(frame),
      problem,
      reference: value(other),
      reach: value(reach) ?? 1,
      clean,
      attacked: value(attacked),
    };
  };

  const render = async (): Promise<void> => {
    const own = ++renderNumber;
    const start = performance.now();
    clearTimeout(loadingTimer);
    loadingTimer = window.setTimeout(() => layout.showLoading(), PATIENCE);
    const next = await load();
    if (own !== renderNumber) return;
    clearTimeout(loadingTimer);
    const reframed = snapshot !== null && snapshot.frame !== next.frame;
    snapshot = next;
    const settled = showSpace(next);
    for (const part of Object.values(parts)) part.update(next);
    layout.update(next);
    if (reframed) timings.step = performance.now() - start;
    address?.keep(view);
    host.onChange?.(view, atlas);
    await settled;
    note.update();
    if (own === renderNumber) prefetch(next.frame);
  };

  const painter = makePainter();
  const paths = makePathCache(atlas, () => snapshot && void showSpace(snapshot));
  const showSpace = (now: Snapshot): Promise<void> => {
    layout.showProblem(now.problem, now.frame === null);
    if (now.frame) return stage.show(stageContent(now, now.frame, viewpoint, paths, painter));
    stage.clear();
    return Promise.resolve();
  };
  const change = (changes: Changes): Promise<void> => {
    const { camera } = view;
    view = applyChanges(atlas, view, changes);
    if (view.camera !== camera) stage.setCamera(view.camera);
    return render();
  };
  const changeView: ChangeView = (changes) => void change(changes);
  /** Select drawn points, which may belong to another layer than the view by now. */
  const select = (drawn: number[]) => {
    const selection = snapshot ? translateIds(atlas, drawn, snapshot.view, view) : [];
    if (view.space === "images" && selection.length === 1) changeView({ selection: [], image: selection[0] });
    else changeView({ selection });
  };

  const stage = makeStage(
    {
      pick: (id) => select(id === null ? [] : [id]),
      lasso: (ids) => select(ids),
      camera: (camera) => {
        view = { ...view, camera };
        note.update();
        address?.keep(view);
      },
      describe: (id, pane) => {
        if (!snapshot?.frame) return document.createTextNode("");
        return pointTip({ ...snapshot, frame: framesOf(snapshot, snapshot.frame)[pane] }, id);
      },
      next: (by) => {
        if (!snapshot) return;
        const selection = translateIds(atlas, view.selection, view, snapshot.view);
        select(nextPoint(stage, { ...snapshot.view, image: view.image, selection }, by));
      },
      lost: (gone) => layout.showLost(gone),
    },
    { shaped: marks.some(({ shape }) => shape > 0) },
  );
  const facts = () => snapshot && viewFacts(stage, snapshot, viewpoint);
  const note = makeViewNote(facts, atlas.attributes.classes, (classes) => void stage.flyTo(classes));
  const map = makeEmergenceMap(change, () => view);
  const parts: Parts = {
    map,
    comparison: makeComparison(changeView),
    choosers: makeChoosers(changeView),
    strip: makeStrip(changeView),
    image: makeImagePanel(changeView),
    confusions: makeConfusions(changeView, (classes) => void stage.flyTo(classes)),
    ledger: makeLedger(changeView),
    patterns: makePatterns(changeView),
    legend: makeLegend(changeView),
    classes: makeEmergence(changeView),
    tables: makeTables(),
  };
  const layout: Layout = makeLayout(root, atlas, stage, parts, {
    change: changeView,
    select,
    current: () => snapshot,
    address: address && address.now,
  });
  stage.element.after(note.element);
  stage.setCamera(view.camera);
  await render();
  timings.opened = performance.now();
  const followAddress = () => void change({ ...firstView(atlas), ...fromAddress(location.hash) });
  if (host.address) window.addEventListener("hashchange", followAddress);
  return {
    atlas,
    stage,
    view: () => view,
    snapshot: () => snapshot,
    facts,
    change,
    timings,
    keepAddress: () => void address?.now(),
    destroy() {
      renderNumber++;
      clearTimeout(loadingTimer);
      prefetch(null);
      map.stop();
      window.removeEventListener("hashchange", followAddress);
      stage.destroy();
      layout.destroy();
    },
  };
}

/** The frame, once the data for its filter are known. */
async function withFacets(atlas: Atlas, frame: Frame, { filter, layer }: View): Promise<Frame> {
  if (concernsFlows(filter)) await readFlows(atlas, frame, filter.since);
  if (filter.pattern) await readPatterns(atlas, layer);
  return frame;
}

/** What a frame is compared with: an attack with the clean images, a student with its teacher. */
function referenceOf(atlas: Atlas, view: View): FrameKey | null {
  const { kind } = atlas.condition(view.condition);
  if (kind === "attack") return { condition: view.condition, layer: view.layer, step: 0 };
  const [training] = atlas.attributes.conditions;
  if (kind === "model" && training.layers.includes(view.layer))
    return { condition: training.key, layer: view.layer, step: training.steps.length - 1 };
  return null;
}

/** The next point that passes the filter, in the order of ids. */
function nextPoint(stage: Stage, view: View, by: 1 | -1): number[] {
  const visible = stage.scene()?.visible;
  if (!visible) return [];
  const start = view.space === "images" ? view.image : (view.selection[0] ?? (by > 0 ? -1 : visible.length));
  for (let offset = 1; offset <= visible.length; offset++) {
    const id = (start + by * offset + 2 * visible.length) % visible.length;
    if (visible[id]) return [id];
  }
  return [];
}
