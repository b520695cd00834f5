/**
 * The log of a simulated node: the real one on the simulated disk, beside a record of what it was given and what it
 * said is durable. It must never acknowledge anything by itself.
 */
import type { LogPosition, Persist } from '../../core/index.js';
import type { LogAppend, LogStorage } from '../../node/storage/log-storage.js';
import type { Notify, ObservedNode } from './observer.js';

export class ObservedLog implements LogStorage {
  readonly #log: LogStorage;
  readonly #node: ObservedNode;
  readonly #notify: Notify;

  constructor(parts: { log: LogStorage; node: ObservedNode; notify: Notify }) {
    this.#log = parts.log;
    this.#node = parts.node;
    this.#notify = parts.notify;
  }

  async append(step: LogAppend): Promise<void> {
    await this.#log.append(step);
    const { number } = step as Persist;
    this.#node.log.completeThrough(number, (durable) => this.#notify('onDurable', this.#node, durable));
  }

  snapshotted(position: LogPosition, cutIndex: number): void {
    this.#log.snapshotted(position, cutIndex);
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  abandon(reason: Error): void {
    this.#log.abandon(reason);
  }
}
