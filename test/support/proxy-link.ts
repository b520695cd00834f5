/**
 * What passes from one node to another through a `TcpProxy`: its faults, and what they have done. A link has one
 * direction, as a road has; it must never change a byte, for TCP does not either.
 */
import type { ProxyFlow } from './proxy-flow.js';

export class ProxyLink {
  readonly from: string;
  readonly to: string;
  /** Every chunk is late by this, and by up to `jitterMs` more; those behind it wait for it. */
  delayMs = 0;
  jitterMs = 0;
  /** The share of chunks that are lost on the way, which TCP sends again: late, or never (see `ProxyFlow`). */
  lossProbability = 0;
  /** What the faults have done so far, in chunks; `broken` counts connections. */
  readonly counts = { passed: 0, delayed: 0, lost: 0, held: 0, broken: 0 };
  readonly #flows = new Set<ProxyFlow>();
  #blocked = false;

  constructor(from: string, to: string) {
    this.from = from;
    this.to = to;
  }

  get blocked(): boolean {
    return this.#blocked;
  }

  /** Connections stay open, new ones are taken, and nothing passes. */
  block(): void {
    this.#blocked = true;
  }

  /** What was held back passes now, however old it is. */
  unblock(): void {
    this.#blocked = false;
    for (const flow of [...this.#flows]) flow.pump();
  }

  /** Breaks every connection over which this link runs; what is under way is lost. */
  cut(): void {
    this.counts.broken += this.#flows.size;
    for (const flow of [...this.#flows]) flow.breakConnection();
  }

  /** Forgets what is under way. */
  close(): void {
    for (const flow of [...this.#flows]) flow.stop();
  }

  /** Ends all faults. */
  heal(): void {
    this.delayMs = 0;
    this.jitterMs = 0;
    this.lossProbability = 0;
    this.unblock();
  }

  add(flow: ProxyFlow): void {
    this.#flows.add(flow);
  }

  delete(flow: ProxyFlow): void {
    this.#flows.delete(flow);
  }
}
