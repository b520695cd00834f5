/**
 * Refuses readers that are asynchronous: what they read after their first `await` would be another state, or none. It
 * must never leave the promise that it refuses unhandled.
 */
import { InvalidArgument } from '../../errors/index.js';

/** Throws InvalidArgument when `value`, what the reader `fn` returned, is a promise. */
export function refusePromise(value: unknown): void {
  if (!(value instanceof Promise)) return;
  // Its own failure says less than that it should not be a promise, and nobody else will look at it.
  value.then(ignore, ignore);
  throw new InvalidArgument({
    field: 'fn',
    expected: 'a synchronous function',
    received: 'one that returns a promise',
  });
}

function ignore(): void {}
