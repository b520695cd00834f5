/**
 * Whether two entries are the same in everything, bytes included. Written the obvious way, apart from the core's own
 * comparison.
 */
import type { Entry } from '../../core/index.js';

/** Two entries that are the same in everything. */
export function sameEntry(one: Entry, other: Entry): boolean {
  if (one === other) return true;
  return (
    one.index === other.index &&
    one.term === other.term &&
    one.kind === other.kind &&
    one.timestampMs === other.timestampMs &&
    one.proposal?.origin === other.proposal?.origin &&
    one.proposal?.sequence === other.proposal?.sequence &&
    Buffer.compare(one.data, other.data) === 0
  );
}
