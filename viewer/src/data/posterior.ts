/** Class probabilities of a point from its position, the mean directions, the concentrations and a temperature. */

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

/** log p(c | point) for all classes: log softmax of q(l) <x, mu_c> / T; of infinite T all are equal. */
export function logPosterior(
  point: number[],
  directions: ArrayLike<number>,
  concentration: Concentration,
  temperature = 1,
): number[] {
  const q = concentration(Math.hypot(...point));
  const dimensions = point.length;
  const classes = directions.length / dimensions;
  const logits = Array.from({ length: classes }, (_, label) => {
    let sum = 0;
    for (let axis = 0; axis < dimensions; axis++) sum += point[axis] * directions[dimensions * label + axis];
    return (q * sum) / temperature;
  });
  const most = Math.max(...logits);
  const total = most + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
  return logits.map((logit) => logit - total);
}

export function posterior(
  point: number[],
  directions: ArrayLike<number>,
  concentration: Concentration,
  temperature = 1,
): number[] {
  return logPosterior(point, directions, concentration, temperature).map(Math.exp);
}
