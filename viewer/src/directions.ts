/** Mean directions with three coordinates a class, whatever the dimensions of the embedding. */

const known = new WeakMap<Float32Array, Float32Array>();

/** The values themselves in space, with a zero in the plane, the first three beyond; the same array each time. */
export function threeOfFloat(values: Float32Array, dimensions: number): Float32Array {
  if (dimensions === 3) return values;
  const before = known.get(values);
  if (before) return before;
  const three = new Float32Array((values.length / dimensions) * 3);
  for (let each = 0; each < three.length / 3; each++)
    for (let axis = 0; axis < Math.min(3, dimensions); axis++)
      three[3 * each + axis] = values[dimensions * each + axis];
  known.set(values, three);
  return three;
}
