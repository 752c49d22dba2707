/** Embeddings of any dimension, drawn in three. */

const cache = new WeakMap<object, Int16Array | Float32Array>();

/**
 * Three coordinates per point: two are padded with a zero, of more than three the first three are taken, which are
 * along the axes that show most. The same values give the same array.
 */
export function inThreeDimensions<T extends Int16Array | Float32Array>(values: T, dimensions: number): T {
  if (dimensions === 3) return values;
  const cached = cache.get(values);
  if (cached) return cached as T;
  const points = values.length / dimensions;
  const three = new (values.constructor as new (length: number) => T)(3 * points);
  for (let point = 0; point < points; point++)
    for (let axis = 0; axis < Math.min(3, dimensions); axis++)
      three[3 * point + axis] = values[dimensions * point + axis];
  cache.set(values, three);
  return three;
}
