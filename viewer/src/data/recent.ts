/** Values in memory, up to a total size; those that were read longest ago are forgotten. */
export class Recent<T> {
  private readonly entries = new Map<number, T>();
  private total = 0;

  constructor(
    private readonly limit: number,
    private readonly sizeOf: (value: T) => number,
  ) {}

  get(key: number): T | undefined {
    const value = this.entries.get(key);
    if (value !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, value);
    }
    return value;
  }

  /** Keep a value, whatever its size, and forget others until all are within the limit. */
  set(key: number, value: T): void {
    this.delete(key);
    this.entries.set(key, value);
    this.total += this.sizeOf(value);
    for (const oldest of this.entries.keys()) {
      if (this.total <= this.limit || oldest === key) return;
      this.delete(oldest);
    }
  }

  delete(key: number): void {
    const value = this.entries.get(key);
    if (value === undefined) return;
    this.entries.delete(key);
    this.total -= this.sizeOf(value);
  }
}
