/**
 * What all answers of a run have to agree on in the end: one log, replayed entry by entry on one machine, gives every
 * result and every value that clients were told; and the histories are linearizable. It must never take a node's word
 * for the state at an index.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Entry } from '../../core/index.js';
import { checkHistory } from '../checker/index.js';
import type { Operation } from '../history/operation.js';
import type { Application } from './application.js';
import { historyOf } from './client-history.js';
import type { ClientOperation, ReadOperation, WriteOperation } from './client-operation.js';
import { check, Violation } from './invariants/violation.js';
import type { Ledger } from './ledger.js';

export interface ReplayOptions<Command, Result, Tx> {
  readonly application: Application<Command, Result, Tx>;
  readonly ledger: Pick<Ledger, 'committed'>;
  readonly operations: readonly ClientOperation<Command, Result, Tx>[];
  /** How many steps the search for an order may take, over all keys. */
  readonly stepLimit: number;
}

/** Throws the first Violation found. */
export function checkReplay<Command, Result, Tx>(options: ReplayOptions<Command, Result, Tx>): void {
  const { ledger, operations } = options;
  const writes = operations.filter((operation) => operation.kind === 'write');
  const at = placeWrites(writes, ledger.committed);
  for (const write of writes) checkPlace(write, at.get(write) ?? null);
  replay(options, at);
  checkLinearizable(options, at);
}

/** Where the log holds each write. */
function placeWrites<Command, Result>(
  writes: readonly WriteOperation<Command, Result>[],
  committed: readonly Entry[],
): ReadonlyMap<WriteOperation<Command, Result>, Entry> {
  const byBytes = new Map<string, WriteOperation<Command, Result>>();
  for (const write of writes) {
    const bytes = textOf(write.bytes);
    const twin = byBytes.get(bytes);
    if (twin !== undefined) {
      throw new RangeError(`the application made one command twice, for client ${twin.number} and ${write.number}`);
    }
    byBytes.set(bytes, write);
  }
  const at = new Map<WriteOperation<Command, Result>, Entry>();
  for (const entry of committed) {
    if (entry.kind !== 'command') continue;
    const { index, term } = entry;
    const write = byBytes.get(textOf(entry.data));
    check(write !== undefined, 'phantom value', 'every command of the log is one that a client made', { index, term });
    const before = at.get(write)?.index;
    const context = { client: write.number, index, before };
    check(before === undefined, 'applied twice', 'no command is in the log twice', context);
    at.set(write, entry);
  }
  return at;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** What the log says of a write, against what its client was told. */
function checkPlace<Command, Result>(write: WriteOperation<Command, Result>, entry: Entry | null): void {
  const { number, node, end, ifTerm, floor } = write;
  const { index = null, term = null } = entry ?? {};
  const context = { client: number, node, end: end.kind, index, term, ifTerm, floor };
  if (end.kind === 'acknowledged') {
    check(index !== null, 'lost write', 'an acknowledged write is in the log', context);
    check(index === end.index, 'lost write', 'an acknowledged write is where its client was told', context);
  }
  if (index === null) return;
  check(end.kind !== 'not-applied', 'not applied', 'a write that is called not applied is in no log', context);
  check(ifTerm === undefined || ifTerm === term, 'fence', 'a fenced write is in the log in its term only', context);
  check(index > floor, 'client oracle', 'a write comes after everything that was told before it', context);
}

function replay<Command, Result, Tx>(
  { application, ledger, operations }: ReplayOptions<Command, Result, Tx>,
  at: ReadonlyMap<WriteOperation<Command, Result>, Entry>,
): void {
  const writeAt = new Map([...at].map(([write, { index }]) => [index, write]));
  const reads = viewsOf(operations);
  const machine = application.createStateMachine();
  let next = 0;
  const checkReads = (index: number) => {
    for (; reads[next]?.appliedIndex === index; next += 1) {
      const { operation, value } = reads[next] as ReadView<Tx>;
      const expected = machine.read((tx) => operation.read.run(tx));
      const { number, node, level, read } = operation;
      const context = { client: number, node, level, read: read.text, index, value, expected };
      check(isDeepStrictEqual(value, expected), 'replay', 'a read shows the state at the index of its view', context);
    }
  };
  checkReads(0);
  for (const { index, term, timestampMs, kind, data } of ledger.committed) {
    const command = kind === 'command' ? data : null;
    const [result] = machine.apply([{ index, term, timestampMs, command }]);
    const write = writeAt.get(index);
    if (write?.end.kind === 'acknowledged') {
      const context = { client: write.number, node: write.node, index, told: write.end.result, result };
      check(isDeepStrictEqual(write.end.result, result), 'replay', 'a write has the result of its place', context);
    }
    checkReads(index);
  }
  const beyond = reads[next];
  const context = { client: beyond?.operation.number, appliedIndex: beyond?.appliedIndex };
  check(beyond === undefined, 'replay', 'a view shows what is committed only', context);
}

interface ReadView<Tx> {
  readonly operation: ReadOperation<Tx>;
  readonly appliedIndex: number;
  readonly value: unknown;
}

/** Every view that was shown and answered, by index. */
function viewsOf<Command, Result, Tx>(
  operations: readonly ClientOperation<Command, Result, Tx>[],
): readonly ReadView<Tx>[] {
  const views: ReadView<Tx>[] = [];
  for (const operation of operations) {
    if (operation.kind !== 'read' || operation.end.kind !== 'answered') continue;
    const { appliedIndex, value } = operation.end;
    views.push({ operation, appliedIndex, value });
  }
  return views.sort((one, other) => one.appliedIndex - other.appliedIndex);
}

/** The log is an order that ought to do; the checker believes it only when it finds that it does. */
function checkLinearizable<Command, Result, Tx>(
  { application, operations, stepLimit }: ReplayOptions<Command, Result, Tx>,
  at: ReadonlyMap<WriteOperation<Command, Result>, Entry>,
): void {
  const events = historyOf(application, operations);
  const indexes = new Map([...at].map(([{ number }, { index }]) => [String(number), index]));
  const likelyOrder = ({ process }: Operation) => indexes.get(process) ?? Number.POSITIVE_INFINITY;
  const { verdict, explanation } = checkHistory(events, { model: 'cas-register', stepLimit, likelyOrder });
  if (verdict === 'linearizable') return;
  const rule = verdict === 'unknown' ? 'linearizability undecided' : 'linearizability';
  throw new Violation(rule, explanation ?? verdict, { events: events.length });
}
