/** A cross-fade between two pictures, of checkpoints that have too little in common for a motion. */

const DURATION = 420;

/** Lay a copy of a canvas, just drawn, over it and let it fade. */
export function fadeFrom(canvas: HTMLCanvasElement): void {
  const ghost = document.createElement("canvas");
  [ghost.width, ghost.height] = [canvas.width, canvas.height];
  ghost.getContext("2d")?.drawImage(canvas, 0, 0);
  canvas.after(ghost);
  const fading = ghost.animate([{ opacity: 1 }, { opacity: 0 }], {
    duration: DURATION,
    easing: "ease-in-out",
  });
  fading.onfinish = fading.oncancel = () => ghost.remove();
}
