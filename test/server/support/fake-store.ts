/**
 * A store of one process behind the Store seam: the real key-value application without replication, with failures on
 * demand. It must answer as a real store does, so that what passes over it passes over that one.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeStatus } from 'quorate';
import type { DeleteAnswer, RangePage, StoredValue, TransactionAnswer, WriteAnswer } from 'quorate/client';
import { ConsistentRead, TermChanged, TokenMismatch } from 'quorate/errors';
import { decodeToken, encodeToken, type ReadOptions, type ReadResult } from 'quorate/reads';
import type { ChangeCursor } from '../../../packages/server/src/store/change-cursor.js';
import { ChangeHistory, type ChangeHistoryOptions } from '../../../packages/server/src/store/change-history.js';
import { changesOf } from '../../../packages/server/src/store/changes-of.js';
import type { Transaction } from '../../../packages/server/src/store/command.js';
import { keyValueCodec } from '../../../packages/server/src/store/command-codec.js';
import { type ExportRequest, type ExportView, HeldExportView } from '../../../packages/server/src/store/export-view.js';
import { applyCommand, type RangeRequest, readRange } from '../../../packages/server/src/store/key-value.js';
import { MemoryState } from '../../../packages/server/src/store/key-value-state.js';
import type { Route } from '../../../packages/server/src/store/request-hash.js';
import type {
  Backup,
  KeyWriteOptions,
  PlaceToWatch,
  Store,
  WaitOptions,
  WriteOptions,
} from '../../../packages/server/src/store/store.js';
import { commandOf, type Written, writtenOrThrow } from '../../../packages/server/src/store/written.js';

/** The history of a fake store that was not restored. */
const HISTORY = 'c1';

/** What a fake store of this history answers with at this index. */
export function tokenAt(index: number, history = HISTORY): string {
  return encodeToken({ source: history, index });
}

export class FakeStore implements Store {
  readonly id: string;
  readonly data = new MemoryState();
  /** Its keys. */
  readonly state = this.data.keys;
  /** How many requests with an idempotency key are remembered. */
  keptRequests = 1_000;
  /** What every call so far was given, in order. */
  readonly calls: { readonly name: string; readonly options: ReadOptions | WriteOptions | WaitOptions }[] = [];
  /** Runs before each operation; throws to make it fail, waits to make it slow. */
  before: (name: string, options: { readonly signal?: AbortSignal | undefined }) => void | Promise<void> = () => {};
  /** Another one: its state was restored. */
  clusterId = HISTORY;
  index = 0;
  term = 7;
  role: NodeStatus['role'] = 'leader';
  disk: NodeStatus['disk'] = { state: 'working' };
  /** What it sends as a backup. */
  backup: Uint8Array = Buffer.from('a backup');
  /** Thrown in the middle of it. */
  backupFails: Error | null = null;
  /** In the middle of it, in milliseconds. */
  backupPauseMs = 0;
  readonly stopped: Promise<Error | null>;
  #stop: (error: Error | null) => void = () => {};

  readonly history: ChangeHistory;

  constructor(id = 'n1', changeHistory: ChangeHistoryOptions = {}) {
    this.id = id;
    this.history = new ChangeHistory(changeHistory);
    this.stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
  }

  get(key: string, options: ReadOptions): Promise<ReadResult<StoredValue | null>> {
    return this.#read('get', options, () => this.state.get(key) ?? null);
  }

  range(request: RangeRequest, options: ReadOptions): Promise<ReadResult<RangePage>> {
    return this.#read('range', options, () => readRange(this.data, request));
  }

  export(request: ExportRequest, options: ReadOptions): Promise<ReadResult<ExportView>> {
    return this.#read('export', options, () => new HeldExportView(this.data, request));
  }

  async watch({ prefix, from, token }: PlaceToWatch, options: WaitOptions): Promise<ChangeCursor> {
    await this.#begin('watch', options);
    this.#indexOf(token);
    return this.history.open({ prefix, from: from ?? this.history.appliedIndex + 1 });
  }

  async put(key: string, value: Uint8Array, options: KeyWriteOptions): Promise<WriteAnswer> {
    const { results, ...written } = await this.#write(
      'put',
      { conditions: conditionsOn(key, options), operations: [{ put: { key, value } }] },
      options,
    );
    return { ...written, version: (results[0] as { version: number }).version };
  }

  async delete(key: string, options: KeyWriteOptions): Promise<DeleteAnswer> {
    const { results, ...written } = await this.#write(
      'delete',
      { conditions: conditionsOn(key, options), operations: [{ delete: { key } }] },
      options,
    );
    return { ...written, deleted: (results[0] as { deleted: boolean }).deleted };
  }

  async txn(transaction: Transaction, options: WriteOptions): Promise<TransactionAnswer> {
    return this.#write('txn', transaction, options);
  }

  status(): NodeStatus {
    const { id, role, term, index } = this;
    const url = 'http://127.0.0.1:4001';
    return {
      ...{
        id,
        role,
        term,
        leader: { id, url },
        commit: index,
        applied: index,
        lastIndex: index,
        firstIndex: 1,
        snapshots: { index: null, count: 0, bytes: 0 },
        lag: 0,
        rounds: 0,
        waiting: 0,
        queues: { reads: 0, writes: 0, log: 0, apply: 0 },
      },
      ...{
        cluster: 'test',
        clusterId: this.clusterId,
        members: [{ id, url, connected: true }],
        protocolVersion: 1,
        disk: this.disk,
        failure: null,
      },
    };
  }

  async ready(options: WaitOptions): Promise<{ index: number; term: number }> {
    await this.#begin('ready', options);
    return { index: this.index, term: this.term };
  }

  transferLeadership(_: string | undefined, options: WaitOptions): Promise<void> {
    return this.#begin('transferLeadership', options);
  }

  async takeSnapshot(options: WaitOptions): Promise<{ index: number; term: number }> {
    await this.#begin('takeSnapshot', options);
    return { index: this.index, term: this.term };
  }

  async openBackup(options: WaitOptions): Promise<Backup> {
    await this.#begin('openBackup', options);
    const { index, term, backup } = this;
    const { backupFails: failure, backupPauseMs } = this;
    const chunks = async function* () {
      yield backup.subarray(0, 3);
      await delay(backupPauseMs);
      if (failure !== null) {
        await delay(50);
        throw failure;
      }
      yield backup.subarray(3);
    };
    return { position: { index, term }, bytes: backup.byteLength, chunks, close: async () => {} };
  }

  async close(): Promise<void> {
    this.#stop(null);
  }

  /** What a failed disk does to a node. */
  fail(error: Error): void {
    this.#stop(error);
  }

  async #begin(name: string, options: ReadOptions | WriteOptions | WaitOptions): Promise<void> {
    this.calls.push({ name, options });
    await this.before(name, options);
  }

  async #read<R>(name: string, options: ReadOptions, fn: () => R): Promise<ReadResult<R>> {
    try {
      await this.#begin(name, options);
      this.#indexOf(options.token);
    } catch (error) {
      throw new ConsistentRead(error);
    }
    const { index, term } = this;
    return {
      ...{ value: fn(), index, term, appliedIndex: index, level: options.level ?? 'linearizable' },
      ...{ servedBy: this.id, role: this.role, token: this.#tokenAt({ index }), waited: { boundMs: 0, applyMs: 0 } },
    } as ReadResult<R>;
  }

  async #write(route: Route, transaction: Transaction, options: WriteOptions): Promise<Omit<Written, 'kind'>> {
    await this.#begin(route, options);
    const heldIndex = this.#indexOf(options.token);
    if (options.ifTerm !== undefined && options.ifTerm !== this.term) {
      throw new TermChanged({ expected: options.ifTerm, actual: this.term });
    }
    this.index += 1;
    const { index, term } = this;
    // Through its bytes, as in a log.
    const bytes = keyValueCodec.encode(commandOf(route, transaction, options, { heldIndex, kept: this.keptRequests }));
    const command = keyValueCodec.decode(bytes);
    this.history.begin(index);
    const result = applyCommand(this.data, command, { index, term });
    this.history.record(index, term, changesOf(command, result, index));
    this.history.publish(index);
    const tokenAt = (place: { readonly index: number }) => this.#tokenAt(place);
    const { kind: _, ...written } = writtenOrThrow(route, result, { index, term, token: tokenAt({ index }) }, tokenAt);
    return written;
  }

  #tokenAt({ index }: { readonly index: number }): string {
    return tokenAt(index, this.clusterId);
  }

  /** Null without a token. */
  #indexOf(token: string | undefined): number | null {
    if (token === undefined) return null;
    try {
      const { source, index } = decodeToken(token);
      if (source === this.clusterId) return index;
    } catch (cause) {
      throw new TokenMismatch('the token is malformed', { cause, outcome: 'not-applied' });
    }
    throw new TokenMismatch('the token is of another cluster', { outcome: 'not-applied' });
  }
}

function conditionsOn(key: string, { ifVersion }: KeyWriteOptions): Transaction['conditions'] {
  return ifVersion === undefined ? [] : [{ key, version: ifVersion }];
}
