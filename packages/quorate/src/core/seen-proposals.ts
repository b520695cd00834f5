/**
 * The forwarded proposals that this process has decided on, so that a duplicate on the wire is never appended a
 * second time, nor appended after it was refused, nor refused after it was appended. Remembers a window per origin;
 * what is older counts as seen and gets no answer.
 */
import type { ProposalId } from './entry.js';

const WINDOW = 16_384;

export class SeenProposals {
  readonly #origins = new Map<number, { floor: number; highest: number; seen: Set<number> }>();

  /** True the first time it is asked about a proposal. */
  first(id: ProposalId): boolean {
    let origin = this.#origins.get(id.origin);
    if (origin === undefined) {
      origin = { floor: 0, highest: 0, seen: new Set() };
      this.#origins.set(id.origin, origin);
    }
    if (id.sequence <= origin.floor || origin.seen.has(id.sequence)) return false;
    origin.seen.add(id.sequence);
    origin.highest = Math.max(origin.highest, id.sequence);
    if (origin.seen.size > 2 * WINDOW) {
      origin.floor = origin.highest - WINDOW;
      for (const sequence of origin.seen) if (sequence <= origin.floor) origin.seen.delete(sequence);
    }
    return true;
  }
}
