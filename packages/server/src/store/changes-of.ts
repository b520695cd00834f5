/**
 * What a command has changed, told by its result. What did not happen (a condition that did not hold, a delete of no
 * key, a request that was applied before) must never be told to a watch, and what happened must be.
 */
import type { Change } from 'quorate/client';
import { invariant } from 'quorate/errors';
import type { KeyValueCommand, KeyValueResult } from './command.js';

const NOTHING: readonly Change[] = [];

/** In the order in which they were made. `index` is that of the command's entry. */
export function changesOf(command: KeyValueCommand, result: KeyValueResult, index: number): readonly Change[] {
  // The result of another entry answers a request that is repeated: it was told when that entry was applied.
  if (result.kind !== 'done' || result.index !== index) return NOTHING;
  const { operations } = command;
  invariant(operations.length === result.results.length, 'each operation has a result', { index });
  return operations.flatMap((operation, at): readonly Change[] => {
    if ('put' in operation) return [{ kind: 'put', ...operation.put, version: index }];
    const { deleted } = result.results[at] as { readonly deleted: boolean };
    return deleted ? [{ kind: 'delete', ...operation.delete }] : NOTHING;
  });
}
