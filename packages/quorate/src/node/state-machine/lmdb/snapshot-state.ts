/**
 * The state of a view as a stream of bytes, made as it is asked for, a few milliseconds at a time. It must never hold
 * more of the state in memory than a chunk and an entry.
 */
import type { Clock } from '../../clock.js';
import type { StateView } from '../state-machine.js';
import { encodeTables } from '../tables/state-stream.js';
import { type KeyKind, keyToBytes, type ReadableTable, type TableKinds } from '../tables/tables.js';
import type { LmdbView } from './lmdb-state-machine.js';

export interface LmdbSnapshot extends StateView {
  /** Can be gone through once. Fails when it is released meanwhile. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Lets the view go; it is let go at the end of the chunks, too. */
  release(): void;
}

export function snapshotOf<Kinds extends TableKinds>(view: LmdbView<Kinds>, kinds: Kinds, clock: Clock): LmdbSnapshot {
  const { appliedIndex, appliedTerm } = view;
  return { appliedIndex, appliedTerm, chunks: chunksOf(view, kinds, clock), release: () => view.release() };
}

async function* chunksOf<Kinds extends TableKinds>(
  view: LmdbView<Kinds>,
  kinds: Kinds,
  clock: Clock,
): AsyncGenerator<Uint8Array> {
  const tables = Object.keys(kinds).map((name) => {
    const table = view.tables[name] as unknown as ReadableTable<string | Uint8Array>;
    return { name, entries: entriesOf(table, kinds[name] as KeyKind) };
  });
  try {
    for await (const chunk of encodeTables(view, tables, clock)) {
      view.renew();
      yield chunk;
    }
  } finally {
    view.release();
  }
}

function* entriesOf(
  table: ReadableTable<string | Uint8Array>,
  kind: KeyKind,
): Generator<readonly [Uint8Array, Uint8Array], void, undefined> {
  for (const [key, value] of table.entries()) yield [keyToBytes(kind, key), value];
}
