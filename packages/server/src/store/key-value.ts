/**
 * The key-value application: its state, and what each command does to it. It must be deterministic, and must never
 * throw for a command that merely cannot be applied.
 */
import { createRequire } from 'node:module';
import type { ApplyContext } from 'quorate';
import type { RangePage, StoredValue } from 'quorate/client';
import { unreachable } from 'quorate/errors';
import type { default as SortedMap } from 'sorted-btree';
import type { KeyValueCommand, KeyValueResult } from './command.js';
import { compareKeys } from './key-order.js';

// The package is CommonJS with a `default` export, which bundlers and Node expose differently to `import`.
const { default: BTree } = createRequire(import.meta.url)('sorted-btree') as { default: typeof SortedMap.default };

/** Values by key, in the order of the keys' UTF-8 bytes. */
export type KeyValueState = SortedMap.default<string, StoredValue>;

/** What the readers of the state get. */
export type KeyValueView = Readonly<KeyValueState>;

/**
 * Values of one page together, in bytes; the first entry always fits. It keeps the step that collects and encodes it
 * short.
 */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

export function createKeyValueState(): KeyValueState {
  return new BTree<string, StoredValue>(undefined, compareKeys);
}

/**
 * A version is the index of the entry that wrote the key: it grows with every write, and a key that was deleted and is
 * created again never has a version that it had before.
 */
export function applyCommand(
  state: KeyValueState,
  command: KeyValueCommand,
  context: Pick<ApplyContext, 'index'>,
): KeyValueResult {
  const { key, ifVersion } = command;
  if (ifVersion !== null) {
    const actual = state.get(key)?.version ?? 0;
    if (actual !== ifVersion) return { kind: 'condition-failed', expected: ifVersion, actual };
  }
  switch (command.kind) {
    case 'put':
      state.set(key, { value: command.value, version: context.index });
      return { kind: 'put', version: context.index };
    case 'delete':
      return { kind: 'delete', deleted: state.delete(key) };
    default:
      return unreachable(command);
  }
}

/** Which part of the keys a page covers. `start` is included. */
export interface RangeRequest {
  readonly prefix: string;
  readonly start: string;
  readonly limit: number;
}

/** One page of a view. Synchronous and short: the caller holds the view only as long as this runs. */
export function readRange(view: KeyValueView, request: RangeRequest): RangePage {
  const { prefix, limit } = request;
  const entries: RangePage['entries'][number][] = [];
  let bytes = 0;
  for (const [key, stored] of view.entries(firstKey(request))) {
    if (!key.startsWith(prefix)) break;
    bytes += stored.value.byteLength;
    if (entries.length > 0 && (entries.length === limit || bytes > MAX_PAGE_BYTES)) return { entries, next: key };
    entries.push({ key, ...stored });
  }
  return { entries, next: null };
}

/** Where a range begins. */
export function firstKey({ prefix, start }: Pick<RangeRequest, 'prefix' | 'start'>): string {
  return compareKeys(start, prefix) > 0 ? start : prefix;
}
