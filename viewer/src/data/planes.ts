/** Integers that an atlas stores as planes of bytes: differences to neighbouring regions (docs/atlas-format.md). */

/**
 * The integers of a step, `dimensions` per point. `planes` has the low bytes of all points along each dimension, then
 * the high bytes. Each is the difference from the mean of the regions to the left and above, or from the only one.
 */
export function fromPlanes(
  planes: Uint8Array,
  dimensions: number,
  [rows, columns]: [number, number],
): Int16Array {
  const count = planes.length / 2;
  const points = count / dimensions;
  const values = new Int16Array(count);
  const [left, above] = [dimensions, dimensions * columns];
  for (let axis = 0; axis < dimensions; axis++) {
    let from = axis * points;
    let to = axis;
    while (from < (axis + 1) * points)
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++, from++, to += dimensions) {
          const folded = planes[from] | (planes[count + from] << 8);
          let expected = 0;
          if (row && column) expected = (values[to - left] + values[to - above]) >> 1;
          else if (column) expected = values[to - left];
          else if (row) expected = values[to - above];
          // Modulo 2^16, as an Int16Array keeps it.
          values[to] = expected + ((folded >> 1) ^ -(folded & 1));
        }
  }
  return values;
}
