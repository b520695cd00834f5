/**
 * Fills an environment that nobody reads yet with the state that a stream of bytes holds, a few milliseconds at a time.
 * It must never give the environment a position before everything is in it.
 */
import { Canceled, invariant } from '../../../errors/index.js';
import type { Clock } from '../../clock.js';
import type { StateView } from '../state-machine.js';
import { StateDecoder } from '../tables/state-decoder.js';
import type { StateHead, StateItem } from '../tables/state-format.js';
import { failForTable } from '../tables/state-stream.js';
import { type KeyKind, keyFromBytes, type Table, type TableKinds } from '../tables/tables.js';
import { Turns } from '../tables/turns.js';
import type { LmdbEnvironment } from './lmdb-environment.js';

type AnyTable = Table<string | Uint8Array>;

/** The position of the state. Throws StateDamaged, UnknownFormat, Canceled, or what the stream fails with. */
export async function fillEnvironment<Kinds extends TableKinds>(
  environment: LmdbEnvironment<Kinds>,
  kinds: Kinds,
  chunks: AsyncIterable<Uint8Array>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<StateView> {
  const decoder = new StateDecoder();
  const turns = new Turns(clock, signal);
  let head: StateHead | null = null;

  /** Begins with an item that is there already. The next one when the slice is over, null when there is none. */
  const take = (first: StateItem, items: Iterator<StateItem, void>): StateItem | null =>
    environment.write((tables) => {
      for (let item = first; ; ) {
        if (item.kind === 'head') head = checkHead(item.head, kinds);
        else {
          const table = tables[item.table] as unknown as AnyTable;
          table.set(keyFromBytes(kinds[item.table] as KeyKind, item.key), item.value);
        }
        const { done, value } = items.next();
        if (done) return null;
        if (turns.isOver) return value;
        item = value;
      }
    }, null);

  for await (const chunk of untilAborted(chunks, signal)) {
    const items = decoder.push(chunk);
    for (let item: StateItem | null = items.next().value ?? null; item !== null; ) {
      item = take(item, items);
      if (item !== null) await turns.next();
    }
    if (turns.isOver) await turns.next();
  }
  decoder.end();
  const { appliedIndex, appliedTerm } = head ?? failWithoutHead();
  environment.write(() => {}, { appliedIndex, appliedTerm });
  return { appliedIndex, appliedTerm };
}

function checkHead(head: StateHead, kinds: TableKinds): StateHead {
  const unknown = head.tables.find((name) => !Object.hasOwn(kinds, name));
  return unknown === undefined ? head : failForTable(unknown);
}

function failWithoutHead(): never {
  invariant(false, 'a state that is complete has a head');
}

/** Whoever sends the chunks may never send another one. */
async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  let finished = false;
  try {
    for (;;) {
      const { done, value } = await unlessAborted(iterator.next(), signal);
      finished = done === true;
      if (finished) return;
      yield value;
    }
  } finally {
    // Not awaited: a source that hangs would keep us. What it fails with now concerns nobody any more.
    if (!finished) iterator.return?.()?.then(ignoreHandled, ignoreHandled);
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(new Canceled({ cause: signal.reason }));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function ignoreHandled(): void {}
