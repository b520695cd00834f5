/** What happened in all runs together. */
import { createHash } from 'node:crypto';

export class Totals {
  /** Seeds that were run, those that failed among them. */
  seeds = 0;
  virtualMs = 0;
  /** How many events of the virtual time were run. */
  events = 0;
  /** How often each thing happened, by name. */
  counts = new Map();
  /** Kinds of fault that a plan had switched on. */
  faults = new Set();
  #startedAt = performance.now();
  #hashes = createHash('sha256');

  /** `report` is null for a run that failed, of which nothing is known but that it was run. */
  add(report) {
    this.seeds += 1;
    this.#hashes.update(report?.hash ?? 'failed');
    if (report === null) return;
    this.virtualMs += report.virtualMs;
    this.events += report.events;
    for (const [name, times] of report.counts) this.counts.set(name, this.count(name) + times);
    for (const [fault, rate] of Object.entries(report.plan.faults)) if (rate !== null) this.faults.add(fault);
  }

  /** How often what is called `name` happened. */
  count(name) {
    return this.counts.get(name) ?? 0;
  }

  /** Of all traces: the same seeds give the same, on every machine and every version of Node. */
  get hash() {
    return this.#hashes.copy().digest('hex').slice(0, 16);
  }

  get seconds() {
    return (performance.now() - this.#startedAt) / 1_000;
  }

  get simulatedHours() {
    return this.virtualMs / 3_600_000;
  }

  /** Per second of real time. */
  get eventsPerSecond() {
    return this.events / this.seconds;
  }

  /** Simulated time per real time. */
  get speedup() {
    return this.virtualMs / 1_000 / this.seconds;
  }
}
