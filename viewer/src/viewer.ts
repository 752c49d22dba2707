/** The whole page: reads what is chosen, gives it to the space and the panels, keeps the address. */

import { fromAddress, makeAddress } from "./address";
import { makeReadAhead } from "./ahead";
import { classMarks } from "./colours";
import { framesOf, makePainter, settingOf, stageContent } from "./content";
import { makeCurves } from "./curves";
import { makeDetail } from "./detail";
import { makeChoosers, makeTimeline } from "./controls";
import { makeFrames, type Frame } from "./frame";
import { makeLegend } from "./legend";
import { layOut, type Layout } from "./layout";
import { makePaths } from "./paths";
import { openPictures, type Pictures } from "./pictures";
import type { Run } from "./run";
import type { Change, Panel, Shown } from "./shown";
import { changed, firstView, idsIn, type Changes, type View } from "./state";
import { makeStage, type Stage } from "./stage";
import { pointTip } from "./tip";
import { makeTables } from "./tables";

export interface Viewer {
  run: Run;
  stage: Stage;
  view(): View;
  shown(): Shown | null;
  /** Resolves when the change is drawn and all points are where they belong. */
  change(changes: Changes): Promise<void>;
  timings: { opened: number; step: number; pick: number };
  /** Write the address now, where it keeps the view. */
  keepAddress(): void;
  destroy(): void;
}

/** What the place where the viewer stands may do with it. */
export interface Host {
  /** Whether the address keeps the view. */
  address: boolean;
  changed?: (view: View, run: Run) => void;
}

/** Milliseconds after which the page says that it waits. */
const PATIENCE = 700;

export async function makeViewer(root: HTMLElement, run: Run, host: Host): Promise<Viewer> {
  const marks = classMarks(run.attributes.classes.length);
  const setting = await settingOf(run);
  const frames = makeFrames(run);
  const readAhead = makeReadAhead(run);
  const clean = openPictures(run, "thumbnails");
  const attacks = new Map<string, Pictures>();
  const timings = { opened: 0, step: 0, pick: 0 };
  let view = changed(run, firstView(run), host.address ? fromAddress(location.hash) : {});
  let shown: Shown | null = null;
  let asked = 0;
  let slow = 0;
  const address = host.address ? makeAddress() : null;

  const attackedPictures = (condition: string): Pictures | null => {
    const path = `conditions/${condition}/thumbnails`;
    if (!run.has(`${path}/0`)) return null;
    if (!attacks.has(path)) attacks.set(path, openPictures(run, path));
    return attacks.get(path) as Pictures;
  };

  const gather = async (): Promise<Shown> => {
    const now = view;
    const reference = referenceOf(run, now);
    const [frame, other, reach] = await Promise.allSettled([
      frames(now),
      reference ? frames(reference) : null,
      setting.reach(now.condition, now.space),
    ]);
    const value = <T>(of: PromiseSettledResult<T>) => (of.status === "fulfilled" ? of.value : null);
    const problem =
      frame.status === "rejected"
        ? `${(frame.reason as Error).message} The points of this moment cannot be shown.`
        : other.status === "rejected"
          ? `${(other.reason as Error).message} What this is compared with cannot be shown.`
          : null;
    const found: Frame | null = value(frame);
    return {
      run,
      view: now,
      marks,
      frame: found,
      problem,
      reference: value(other),
      reach: value(reach) ?? 1,
      clean,
      attacked: attackedPictures(now.condition),
    };
  };

  const render = async (): Promise<void> => {
    const own = ++asked;
    const start = performance.now();
    clearTimeout(slow);
    slow = window.setTimeout(() => layout.waits(), PATIENCE);
    const next = await gather();
    if (own !== asked) return;
    clearTimeout(slow);
    const stepped = shown !== null && shown.frame !== next.frame;
    shown = next;
    const still = showSpace(next);
    for (const panel of panels) panel.update(next);
    layout.update(next);
    if (stepped) timings.step = performance.now() - start;
    address?.keep(view);
    host.changed?.(view, run);
    await still;
    if (own === asked) readAhead(next.frame);
  };

  const painter = makePainter();
  const paths = makePaths(run, () => shown && void showSpace(shown));
  const showSpace = (now: Shown): Promise<void> => {
    layout.problem(now.problem, now.frame === null);
    if (now.frame) return stage.show(stageContent(now, now.frame, setting.home, paths, painter));
    stage.clear();
    return Promise.resolve();
  };
  const change = (changes: Changes): Promise<void> => {
    const { camera } = view;
    view = changed(run, view, changes);
    if (view.camera !== camera) stage.setCamera(view.camera);
    return render();
  };
  const choose: Change = (changes) => void change(changes);
  /** Choose points of those that are drawn, which may be those of another layer than is chosen by now. */
  const select = (drawn: number[]) => {
    const selection = shown ? idsIn(run, drawn, shown.view, view) : [];
    if (view.space === "images" && selection.length === 1) choose({ selection: [], image: selection[0] });
    else choose({ selection });
  };

  const stage = makeStage(
    {
      pick: (id) => select(id === null ? [] : [id]),
      lasso: (ids) => select(ids),
      camera: (camera) => {
        view = { ...view, camera };
        address?.keep(view);
      },
      describe: (id, pane) => {
        if (!shown?.frame) return document.createTextNode("");
        return pointTip({ ...shown, frame: framesOf(shown, shown.frame)[pane] }, id);
      },
      next: (by) => {
        if (!shown) return;
        const selection = idsIn(run, view.selection, view, shown.view);
        select(nextPoint(stage, { ...shown.view, image: view.image, selection }, by));
      },
      lost: (gone) => layout.notice("context", gone),
    },
    { shaped: marks.some(({ shape }) => shape > 0) },
  );
  const timeline = makeTimeline(change, () => view);
  const panels: Panel[] = [
    makeChoosers(choose),
    makeLegend(choose),
    timeline,
    makeCurves(choose),
    makeDetail(choose),
    makeTables(),
  ];
  const layout: Layout = layOut(
    root,
    run,
    stage,
    panels.map(({ element }) => element),
    {
      choose,
      select,
      current: () => shown,
      address: address && address.now,
    },
  );
  stage.setCamera(view.camera);
  if (!stage.draws) layout.notice("webgl", true);
  await render();
  timings.opened = performance.now();
  const follow = () => void change({ ...firstView(run), ...fromAddress(location.hash) });
  if (host.address) window.addEventListener("hashchange", follow);
  return {
    run,
    stage,
    view: () => view,
    shown: () => shown,
    change,
    timings,
    keepAddress: () => void address?.now(),
    destroy() {
      asked++;
      clearTimeout(slow);
      readAhead(null);
      timeline.stop();
      window.removeEventListener("hashchange", follow);
      stage.destroy();
      layout.destroy();
    },
  };
}

/** What a condition is compared with: an attack with its clean images, another model with the end of training. */
function referenceOf(run: Run, view: View): { condition: string; layer: string; step: number } | null {
  const { kind } = run.condition(view.condition);
  if (kind === "attack") return { condition: view.condition, layer: view.layer, step: 0 };
  const [training] = run.attributes.conditions;
  if (kind === "model" && training.layers.includes(view.layer))
    return { condition: training.key, layer: view.layer, step: training.steps.length - 1 };
  return null;
}

/** The next point that passes the filter, in the order of ids. */
function nextPoint(stage: Stage, view: View, by: 1 | -1): number[] {
  const visible = stage.scene()?.visible;
  if (!visible) return [];
  const start = view.space === "images" ? view.image : (view.selection[0] ?? (by > 0 ? -1 : visible.length));
  for (let tried = 1; tried <= visible.length; tried++) {
    const id = (start + by * tried + 2 * visible.length) % visible.length;
    if (visible[id]) return [id];
  }
  return [];
}
