/**
 * An application over ordered tables that runs on every state machine: text and bytes as keys, reads of what the same
 * batch wrote, walks along a table that it changes. It must never look at anything but its arguments.
 */
import type { LmdbStateMachineDefinition } from '../../../packages/quorate/src/lmdb/index.js';
import { MemoryStateMachine } from '../../../packages/quorate/src/node/state-machine/memory-state-machine.js';
import type { StateMachine } from '../../../packages/quorate/src/node/state-machine/state-machine.js';
import type { ReadableTables, Tables } from '../../../packages/quorate/src/node/state-machine/tables/tables.js';
import { MemoryTable } from './memory-table.js';

export const kinds = { keys: 'text', order: 'bytes' } as const;
export type Kinds = typeof kinds;

export type Command =
  | { readonly kind: 'set'; readonly key: string; readonly value: string }
  /** Sets the key to what it was, and `add` behind it; answers what it became. */
  | { readonly kind: 'append'; readonly key: string; readonly add: string }
  | { readonly kind: 'delete'; readonly key: string }
  /** Deletes up to `count` keys from `from` on; answers which. */
  | { readonly kind: 'delete-range'; readonly from: string; readonly count: number }
  /** Copies each key from `from` on to the key with a `+` behind, while it walks; at most `count`. */
  | { readonly kind: 'grow'; readonly from: string; readonly count: number }
  | { readonly kind: 'throw' };

export type Result = string;
export type View = ReadableTables<Kinds>;
export type Machine = StateMachine<Command, Result, View>;

export const definition: LmdbStateMachineDefinition<Kinds, Command, Result> = {
  tables: kinds,
  codec: {
    encode: (command) => Buffer.from(`1${JSON.stringify(command)}`),
    decode: (bytes) => {
      if (bytes[0] !== 0x31) throw new Error(`a command of version ${bytes[0]} is not known`);
      return JSON.parse(Buffer.from(bytes).toString('utf8', 1)) as Command;
    },
  },
  apply(tables, command, { index }) {
    const orderKey = Buffer.alloc(8);
    orderKey.writeBigUInt64BE(BigInt(index));
    tables.order.set(orderKey, Buffer.from(command.kind));
    return run(tables.keys, command);
  },
};

function run(keys: Tables<Kinds>['keys'], command: Command): Result {
  switch (command.kind) {
    case 'set':
      keys.set(command.key, Buffer.from(command.value));
      return 'set';
    case 'append': {
      const value = Buffer.concat([keys.get(command.key) ?? Buffer.alloc(0), Buffer.from(command.add)]);
      keys.set(command.key, value);
      return value.toString();
    }
    case 'delete':
      return String(keys.delete(command.key));
    case 'delete-range': {
      const deleted: string[] = [];
      for (const [key] of keys.entries(command.from)) {
        if (deleted.length === command.count) break;
        keys.delete(key);
        deleted.push(key);
      }
      return deleted.join(',');
    }
    case 'grow': {
      const seen: string[] = [];
      for (const [key, value] of keys.entries(command.from)) {
        if (seen.length === command.count) break;
        seen.push(key);
        keys.set(`${key}+`, value);
      }
      return seen.join(',');
    }
    case 'throw':
      throw new Error('as the test wants it');
  }
}

export function createMemoryMachine(): MemoryStateMachine<Tables<Kinds>, Command, Result> {
  return new MemoryStateMachine({
    codec: definition.codec,
    create: () => ({ keys: new MemoryTable('text'), order: new MemoryTable('bytes') }),
    apply: (tables, command, context) => definition.apply(tables, command, context),
  });
}

/** Applies the commands behind what is applied, in batches of `batchSize`; null stands for an entry without one. */
export function applyAll(
  machine: Pick<Machine, 'apply' | 'appliedIndex' | 'codec'>,
  commands: readonly (Command | null)[],
  batchSize = 64,
): readonly (Result | null)[] {
  const results: (Result | null)[] = [];
  for (let at = 0; at < commands.length; at += batchSize) {
    const first = machine.appliedIndex + 1;
    const entries = commands.slice(at, at + batchSize).map((command, i) => {
      const data = command === null ? null : machine.codec.encode(command);
      return {
        index: first + i,
        term: 1 + Math.floor((first + i) / 10),
        timestampMs: 1_700_000_000_000,
        command: data,
      };
    });
    results.push(...machine.apply(entries));
  }
  return results;
}

/** Everything that a view shows, as text. */
export function contents(view: View): readonly string[] {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  return [
    ...[...view.keys.entries()].map(([key, value]) => `${key}=${Buffer.from(value)}`),
    ...[...view.order.entries()].map(([key, value]) => `${text(key)}=${Buffer.from(value)}`),
  ];
}
