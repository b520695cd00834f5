/**
 * A counter that costs next to nothing to count with: it adds up plain numbers, and gives them to prom-client when
 * somebody looks. It must only ever grow.
 */
import { Counter, type Registry } from 'prom-client';

export class EventCounter {
  readonly #labelNames: readonly string[];
  readonly #counts = new Map<string, { readonly labels: Record<string, string>; count: number }>();

  constructor(registry: Registry, options: { name: string; help: string; labelNames?: readonly string[] }) {
    const { name, help, labelNames = [] } = options;
    this.#labelNames = labelNames;
    const counts = this.#counts;
    const counter = new Counter({
      ...{ name, help, labelNames, registers: [registry] },
      collect() {
        counter.reset();
        for (const { labels, count } of counts.values()) counter.inc(labels, count);
      },
    });
  }

  /** `values`: of the labels, in the order of their names. Adding 0 makes the series be there from the start. */
  add(by = 1, values: readonly string[] = []): void {
    const key = values.join(' ');
    const known = this.#counts.get(key);
    if (known !== undefined) {
      known.count += by;
      return;
    }
    const labels = Object.fromEntries(this.#labelNames.map((name, at) => [name, values[at] ?? '']));
    this.#counts.set(key, { labels, count: by });
  }
}
