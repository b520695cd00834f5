/**
 * The levels of a read, and what each promises. A level that is not there yet must never be served as another one: it
 * is refused, so that nobody builds on a promise that is not kept.
 */
import { InvalidArgument } from '../errors/index.js';

/**
 * - `linearizable`: contains every write acknowledged, and everything any completed read returned, anywhere in the
 * cluster before the call was made. Costs one confirmation round, shared with all reads that wait for it. The
 * default.
 * - `lease`: the same, without a round on a leader that holds a lease. Not there yet.
 * - `bounded`: at most a stated time old. Not there yet.
 * - `session`: contains everything in the view that a token came from. Costs a local wait.
 * - `local`: whatever this replica has applied. Costs nothing, promises nothing; a token or `minIndex` is refused
 * here.
 */
export type Level = 'linearizable' | 'lease' | 'bounded' | 'session' | 'local';

/** The levels that are served. */
export type AvailableLevel = Exclude<Level, 'lease' | 'bounded'>;

/** Throws InvalidArgument for a level that does not exist, or not yet. */
export function availableLevel(level: Level): AvailableLevel {
  switch (level) {
    case 'linearizable':
    case 'session':
    case 'local':
      return level;
    case 'lease':
    case 'bounded':
      throw invalidLevel(`linearizable, session or local (${level} is not there yet)`, level);
    default:
      throw invalidLevel('linearizable, session or local', level);
  }
}

function invalidLevel(expected: string, received: unknown): InvalidArgument {
  return new InvalidArgument({ field: 'level', expected, received });
}
