/** Whom a leader hands over to. It must never name somebody who is no follower. */
import type { CoreStatus } from '../core/index.js';
import { InvalidArgument } from '../errors/index.js';

/** `to`, or of the active followers the one that has most; null when there is none. Throws InvalidArgument. */
export function transferTarget(followers: CoreStatus['followers'], to: string | undefined): string | null {
  if (to !== undefined && !followers.some(({ id }) => id === to)) {
    const expected = `another member: ${followers.map(({ id }) => id).join(', ')}`;
    throw new InvalidArgument({ field: 'to', expected, received: to });
  }
  const active = followers.filter(({ recentlyActive }) => recentlyActive);
  const best = (active.length > 0 ? active : followers).reduce<CoreStatus['followers'][number] | null>(
    (a, b) => (a === null || b.matchIndex > a.matchIndex ? b : a),
    null,
  );
  return to ?? best?.id ?? null;
}
