/**
 * What `/metrics` shows: the figures of one node and of its process, in the text format of Prometheus. It must never
 * wait for anything outside of this process: the leader, the disk, another node.
 */
import { Registry } from 'prom-client';
import type { NodeStatus } from 'quorate';
import { EventMetrics } from './event-metrics.js';
import { processMetrics } from './process-metrics.js';
import { StatusMetrics } from './status-metrics.js';

export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #events: EventMetrics;
  readonly #status: StatusMetrics;

  /** Counts from now on what the node of that name does. */
  constructor(node: string) {
    this.#events = new EventMetrics(this.#registry, node);
    this.#status = new StatusMetrics(this.#registry);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** `status`: null while the node is starting. */
  async text(status: NodeStatus | null): Promise<string> {
    this.#status.update(status);
    return (await this.#registry.metrics()) + (await processMetrics().metrics());
  }

  /** Counts no more. */
  close(): void {
    this.#events.close();
  }
}
