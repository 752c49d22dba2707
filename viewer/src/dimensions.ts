/** Embeddings of any dimensions drawn in space. */

const known = new WeakMap<object, Int16Array | Float32Array>();

/**
 * Three coordinates a point: the values themselves in space, with a zero in the plane, the first three beyond. The
 * same values give the same array.
 */
export function threeOf<T extends Int16Array | Float32Array>(values: T, dimensions: number): T {
  if (dimensions === 3) return values;
  const before = known.get(values);
  if (before) return before as T;
  const points = values.length / dimensions;
  const three = new (values.constructor as new (length: number) => T)(3 * points);
  for (let point = 0; point < points; point++)
    for (let axis = 0; axis < Math.min(3, dimensions); axis++)
      three[3 * point + axis] = values[dimensions * point + axis];
  known.set(values, three);
  return three;
}
