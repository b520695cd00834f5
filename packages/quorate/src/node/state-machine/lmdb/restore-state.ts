/**
 * Fills an environment that nobody reads yet with the state that a stream of bytes holds, a few milliseconds at a time.
 * It must never give the environment a position before everything is in it.
 */
import { Canceled, invariant, StateDamaged } from '../../../errors/index.js';
import type { Clock } from '../../clock.js';
import type { StateView } from '../state-machine.js';
import type { LmdbEnvironment } from './lmdb-environment.js';
import { StateDecoder, type StateHead, type StateItem } from './state-codec.js';
import { type KeyKind, keyFromBytes, type Table, type TableKinds } from './tables.js';
import { Turns } from './turns.js';

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

  /** False when the slice is over. */
  const takeItems = (items: Iterator<StateItem, void>): boolean =>
    environment.write((tables) => {
      for (;;) {
        const { done, value } = items.next();
        if (done) return true;
        if (value.kind === 'head') head = checkHead(value.head, kinds);
        else {
          const table = tables[value.table] as unknown as AnyTable;
          table.set(keyFromBytes(kinds[value.table] as KeyKind, value.key), value.value);
        }
        if (turns.isOver) return false;
      }
    }, null);

  for await (const chunk of untilAborted(chunks, signal)) {
    const items = decoder.push(chunk);
    while (!takeItems(items)) await turns.next();
    if (turns.isOver) await turns.next();
  }
  decoder.end();
  const { appliedIndex, appliedTerm } = head ?? failWithoutHead();
  environment.write(() => {}, { appliedIndex, appliedTerm });
  return { appliedIndex, appliedTerm };
}

function checkHead(head: StateHead, kinds: TableKinds): StateHead {
  const unknown = head.tables.find((name) => !Object.hasOwn(kinds, name));
  if (unknown === undefined) return head;
  throw new StateDamaged(`it has a table ${JSON.stringify(unknown)}, which this state machine does not have`);
}

function failWithoutHead(): never {
  invariant(false, 'a state that is complete has a head');
}

/** Whoever sends the chunks may never send another one. */
async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new Canceled({ cause: signal.reason }));
  });
  aborted.catch(ignoreHandled);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  let finished = false;
  try {
    for (;;) {
      const { done, value } = await Promise.race([iterator.next(), aborted]);
      if (done) {
        finished = true;
        return;
      }
      yield value;
    }
  } finally {
    signal.removeEventListener('abort', abort);
    // Not awaited: a source that hangs would keep us. What it fails with now concerns nobody any more.
    if (!finished) iterator.return?.()?.then(ignoreHandled, ignoreHandled);
  }
}

function ignoreHandled(): void {}
