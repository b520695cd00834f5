/**
 * What a command has changed, told by its result. A command that changed nothing (a condition that did not hold, a
 * delete of no key) has no changes, and must never be told to a watch.
 */
import type { Change } from 'quorate/client';
import { unreachable } from 'quorate/errors';
import type { KeyValueCommand, KeyValueResult } from './command.js';

const NOTHING: readonly Change[] = [];

/** In the order in which they were made. `index` is that of the command's entry. */
export function changesOf(command: KeyValueCommand, result: KeyValueResult, index: number): readonly Change[] {
  if (result.kind === 'condition-failed') return NOTHING;
  const { key } = command;
  switch (command.kind) {
    case 'put':
      return [{ kind: 'put', key, value: command.value, version: index }];
    case 'delete':
      return result.kind === 'delete' && result.deleted ? [{ kind: 'delete', key }] : NOTHING;
    default:
      return unreachable(command);
  }
}
