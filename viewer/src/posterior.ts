/** Class probabilities of a point, from its position, the mean directions and the table of concentrations. */

/** q(l) = kappa(l) / l, linear in log(1 + l) between the values of the table. */
export type Concentration = (strength: number) => number;

export function concentrationTable(values: number[], reach: number): Concentration {
  const last = values.length - 1;
  const spacing = Math.log1p(reach) / last;
  return (strength) => {
    const place = Math.min(last, Math.log1p(strength) / spacing);
    const low = Math.min(last - 1, Math.floor(place));
    return values[low] + (place - low) * (values[low + 1] - values[low]);
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

/** log p(c | point) of all classes: log softmax of q(l) <x, mu_c>. */
export function logPosterior(
  point: number[],
  directions: ArrayLike<number>,
  concentration: Concentration,
): number[] {
  const q = concentration(strengthOf(point));
  const dimensions = point.length;
  const classes = directions.length / dimensions;
  const logits = Array.from({ length: classes }, (_, each) => {
    let sum = 0;
    for (let axis = 0; axis < dimensions; axis++) sum += point[axis] * directions[dimensions * each + axis];
    return q * sum;
  });
  const most = Math.max(...logits);
  const total = most + Math.log(logits.reduce((sum, each) => sum + Math.exp(each - most), 0));
  return logits.map((each) => each - total);
}

export function posterior(
  point: number[],
  directions: ArrayLike<number>,
  concentration: Concentration,
): number[] {
  return logPosterior(point, directions, concentration).map(Math.exp);
}
