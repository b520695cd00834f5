/**
 * The state in memory as the bytes of a snapshot, and back: the form that a state on the disk has, too. It holds on to
 * copies of the trees, which share their nodes with the state; it must never read the state itself while commands go
 * on.
 */
import { decodeTables, encodeTables, type StateCodec, type TableTargets } from 'quorate';
import { MemoryState } from './key-value-state.js';
import { STATE_NUMBERS, STATE_TABLES, type TableForm } from './state-tables.js';

export const memorySnapshots: StateCodec<MemoryState> = {
  save(state, view) {
    return encodeTables(view, [
      { name: 'keys', entries: encode(STATE_TABLES.keys, state.keys.clone().entries()) },
      { name: 'requests', entries: encode(STATE_TABLES.requests, state.requests.clone().entries()) },
      { name: 'requestOrder', entries: encode(STATE_TABLES.requestOrder, state.requestOrder.clone().entries()) },
      { name: 'numbers', entries: encode(STATE_TABLES.numbers, numbersOf(state)) },
    ]);
  },

  async load(chunks, view) {
    const state = new MemoryState();
    await decodeTables(chunks, view, {
      keys: into(STATE_TABLES.keys, (key, value) => state.keys.set(key, value)),
      requests: into(STATE_TABLES.requests, (key, value) => state.requests.set(key, value)),
      requestOrder: into(STATE_TABLES.requestOrder, (key, value) => state.requestOrder.set(key, value)),
      numbers: into(STATE_TABLES.numbers, (name, value) => {
        const known = STATE_NUMBERS.find((each) => each === name);
        if (known === undefined) throw new Error(`unknown number ${name} in the state: a newer server wrote it`);
        state[known] = value;
      }),
    });
    return state;
  },
};

/** As a table on the disk has them: without those that were never set. */
function numbersOf(state: MemoryState): readonly (readonly [string, number])[] {
  return STATE_NUMBERS.map((name) => [name, state[name]] as const).filter(([, value]) => value > 0);
}

/** Made as they are asked for. */
function* encode<Key, Value, Kept extends string | Uint8Array>(
  { keep, value: codec }: TableForm<Key, Value, Kept>,
  entries: Iterable<readonly [Key, Value]>,
): Generator<readonly [Uint8Array, Uint8Array], void, undefined> {
  for (const [key, value] of entries) {
    const kept = keep(key);
    yield [typeof kept === 'string' ? Buffer.from(kept) : kept, codec.encode(value)];
  }
}

function into<Key, Value, Kept extends string | Uint8Array>(
  { keptFrom, keyOf, value: codec }: TableForm<Key, Value, Kept>,
  set: (key: Key, value: Value) => unknown,
): TableTargets[string] {
  return (key, value) => {
    set(keyOf(keptFrom(key)), codec.decode(value));
  };
}
