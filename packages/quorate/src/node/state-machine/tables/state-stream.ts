/**
 * A state of tables to bytes and back, a few milliseconds at a time: the one form of snapshots (state-format.ts), so
 * that nodes which keep the same tables in different ways can take each other's. It must never hold more of the state
 * in memory than a block and an entry.
 */
import { StateDamaged } from '../../../errors/index.js';
import { type Clock, systemClock } from '../../clock.js';
import type { StateView } from '../state-machine.js';
import { StateDecoder } from './state-decoder.js';
import { StateEncoder } from './state-encoder.js';
import { Turns } from './turns.js';

/** One table, as it is written down. */
export interface TableContents {
  /** 1 to 100 bytes. */
  readonly name: string;
  /** Keys of 1 to 1,970 bytes, values of at most 8 MiB. Read while other work goes on: it must not change meanwhile. */
  readonly entries: Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
}

/** What takes the entries of each table, by its name. What it is given is valid until it returns: copy what is kept. */
export type TableTargets = Readonly<Record<string, (key: Uint8Array, value: Uint8Array) => void>>;

/** The state in pieces. It gives the loop back every few milliseconds. */
export async function* encodeTables(
  { appliedIndex, appliedTerm }: StateView,
  tables: readonly TableContents[],
  clock: Clock = systemClock,
): AsyncGenerator<Uint8Array, void, undefined> {
  const turns = new Turns(clock);
  const encoder = new StateEncoder({ appliedIndex, appliedTerm, tables: tables.map(({ name }) => name) });
  for (const { name, entries } of tables) {
    for (const [key, value] of entries) {
      encoder.add(name, key, value);
      const ready = encoder.take();
      if (ready.length > 0) yield* ready;
      if (turns.isOver) await turns.next();
    }
  }
  encoder.end();
  yield* encoder.take();
}

/**
 * Reads what {@link encodeTables} gave, cut into pieces anywhere. Rejects with StateDamaged, also when the state is not
 * the one at `view` or has a table without a target, with UnknownFormat, or with what `chunks` fails with; some of it
 * may have been given to the targets by then.
 */
export async function decodeTables(
  chunks: AsyncIterable<Uint8Array>,
  view: StateView,
  targets: TableTargets,
  clock: Clock = systemClock,
): Promise<void> {
  const turns = new Turns(clock);
  const decoder = new StateDecoder();
  for await (const chunk of chunks) {
    for (const item of decoder.push(chunk)) {
      if (item.kind === 'head') checkPlace(item.head, view);
      else if (!Object.hasOwn(targets, item.table)) failForTable(item.table);
      else targets[item.table]?.(item.key, item.value);
      if (turns.isOver) await turns.next();
    }
  }
  decoder.end();
}

/** Throws StateDamaged. */
export function checkPlace(found: StateView, expected: StateView): void {
  if (found.appliedIndex === expected.appliedIndex && found.appliedTerm === expected.appliedTerm) return;
  throw new StateDamaged(`it is at index ${found.appliedIndex}, not at ${expected.appliedIndex}`);
}

/** Throws StateDamaged. */
export function failForTable(name: string): never {
  throw new StateDamaged(`it has a table ${JSON.stringify(name)}, which this state machine does not have`);
}
