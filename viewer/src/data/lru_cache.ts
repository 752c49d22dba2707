/** Arrays in memory, up to a number of bytes; the least recently used go first. A failed read is not kept. */
export class LruCache<T extends ArrayBufferView> {
  private readonly entries = new Map<string, { value: Promise<T>; size: number }>();
  private total = 0;

  constructor(private readonly limit: number) {}

  get(key: string, read: () => Promise<T>): Promise<T> {
    const cached = this.entries.get(key);
    if (cached) {
      this.entries.delete(key);
      this.entries.set(key, cached);
      return cached.value;
    }
    const entry = { value: read(), size: 0 };
    this.entries.set(key, entry);
    entry.value.then(
      (value) => {
        entry.size = value.byteLength;
        this.total += entry.size;
        this.trim();
      },
      () => this.entries.delete(key),
    );
    return entry.value;
  }

  private trim(): void {
    for (const [key, { size }] of this.entries) {
      if (this.total <= this.limit || this.entries.size === 1) return;
      // Not read yet.
      if (size === 0) continue;
      this.entries.delete(key);
      this.total -= size;
    }
  }
}
