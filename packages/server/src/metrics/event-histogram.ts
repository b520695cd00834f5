/**
 * A histogram for what happens with every read: prom-client's own takes a microsecond for each value, which would be a
 * fifth of a read. It must look to a registry like one of prom-client's.
 */
import type { Histogram, Registry } from 'prom-client';

interface Value {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** The values of one series. */
export class Distribution {
  readonly #bounds: readonly number[];
  /** Of each bucket by itself; the last one has no bound. */
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] as number)) at += 1;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sum += value;
  }

  values(name: string, labels: Readonly<Record<string, string>>): readonly Value[] {
    let count = 0;
    const buckets = this.#counts.map((own, at) => {
      count += own;
      const le = this.#bounds[at] ?? '+Inf';
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}

export class EventHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly #bounds: readonly number[];
  readonly #label: string | null;
  readonly #series = new Map<string, Distribution>();

  /** `label`: the name of the one label, if there is one. */
  constructor(registry: Registry, options: { name: string; help: string; bounds: readonly number[]; label?: string }) {
    this.name = options.name;
    this.help = options.help;
    this.#bounds = options.bounds;
    this.#label = options.label ?? null;
    registry.registerMetric(this as unknown as Histogram);
  }

  /** The series with that value of the label; it is there from now on, even without a value. */
  series(label = ''): Distribution {
    const known = this.#series.get(label) ?? new Distribution(this.#bounds);
    this.#series.set(label, known);
    return known;
  }

  /** What a registry asks for. */
  async get(): Promise<{ name: string; help: string; type: string; values: readonly Value[] }> {
    const { name, help, type } = this;
    const values = [...this.#series].flatMap(([label, series]) =>
      series.values(name, this.#label === null ? {} : { [this.#label]: label }),
    );
    return { name, help, type, values };
  }
}
