/**
 * The state of a view as a stream of bytes, made as it is asked for, a few milliseconds at a time. It must never hold
 * more of the state in memory than a chunk and an entry.
 */
import type { Clock } from '../../clock.js';
import type { StateView } from '../state-machine.js';
import type { LmdbView } from './lmdb-state-machine.js';
import { StateEncoder } from './state-encoder.js';
import { type KeyKind, keyToBytes, type ReadableTable, type TableKinds } from './tables.js';
import { Turns } from './turns.js';

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
  const { appliedIndex, appliedTerm } = view;
  const turns = new Turns(clock);
  const names = Object.keys(kinds);
  const encoder = new StateEncoder({ appliedIndex, appliedTerm, tables: names });
  try {
    for (const name of names) {
      const table = view.tables[name] as unknown as ReadableTable<string | Uint8Array>;
      for (const [key, value] of table.entries()) {
        encoder.add(name, keyToBytes(kinds[name] as KeyKind, key), value);
        yield* encoder.take();
        if (turns.isOver) await turns.next();
      }
    }
    encoder.end();
    yield* encoder.take();
  } finally {
    view.release();
  }
}
