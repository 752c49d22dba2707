/** Class probabilities of a point from its position, the mean directions and the concentrations. */

/** q(l) = kappa(l) / l, interpolated linearly in log(1 + l). */
export type Concentration = (strength: number) => number;

export function interpolateConcentration(values: number[], reach: number): Concentration {
  const last = values.length - 1;
  const spacing = Math.log1p(reach) / last;
  return (strength) => {
    const position = Math.min(last, Math.log1p(strength) / spacing);
    const low = Math.min(last - 1, Math.floor(position));
    return values[low] + (position - low) * (values[low + 1] - values[low]);
  };
}

/** The coordinates of a point. */
export function coordinates(
  values: ArrayLike<number>,
  dimensions: number,
  scale: number,
  id: number,
): number[] {
  return Array.from({ length: dimensions }, (_, axis) => scale * values[dimensions * id + axis]);
}

function strengthOf(point: number[]): number {
  return Math.hypot(...point);
}

/** log p(c | point) for all classes: log softmax of q(l) <x, mu_c>. */
export function logPosterior(
  point: number[],
  directions: ArrayLike<number>,
  concentration: Concentration,
): number[] {
  const q = concentration(strengthOf(point));
  const dimensions = point.length;
  const classes = directions.length / dimensions;
  const logits = Array.from({ length: classes }, (_, label) => {
    let sum = 0;
    for (let axis = 0; axis < dimensions; axis++) sum += point[axis] * directions[dimensions * label + axis];
    return q * sum;
  });
  const most = Math.max(...logits);
  const total = most + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
  return logits.map((logit) => logit - total);
}

export function posterior(
  point: number[],
  directions: ArrayLike<number>,
  concentration: Concentration,
): number[] {
  return logPosterior(point, directions, concentration).map(Math.exp);
}
