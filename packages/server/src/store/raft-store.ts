/**
 * The store over the embedded Raft node: it turns calls into commands and reads, and results into answers. Nothing
 * else.
 */
import { type NodeStatus, RaftNode, type RaftNodeOptions } from 'quorate';
import { ConditionFailed, type DeleteAnswer, type RangePage, type StoredValue, type WriteAnswer } from 'quorate/client';
import { InvalidArgument, invariant } from 'quorate/errors';
import type { ReadOptions, ReadResult } from 'quorate/reads';
import type { ChangeCursor } from './change-cursor.js';
import { ChangeHistory, type ChangeHistoryOptions } from './change-history.js';
import type { KeyValueCommand, KeyValueResult } from './command.js';
import { type ExportRequest, type ExportView, MemoryExportView } from './export-view.js';
import { type KeyValueView, type RangeRequest, readRange } from './key-value.js';
import { createKeyValueMachine, type KeyValueMachine } from './key-value-machine.js';
import type { Store, WaitOptions, WriteOptions } from './store.js';

type KeyValueNode = RaftNode<KeyValueCommand, KeyValueResult, KeyValueView>;

export interface RaftStoreOptions
  extends Omit<RaftNodeOptions<KeyValueCommand, KeyValueResult, KeyValueView>, 'stateMachine'> {
  /** How many changes are kept for watches. */
  readonly changeHistory?: ChangeHistoryOptions;
  /** Wraps the state machine, for tests that need a slow or broken one. Default: none. */
  readonly wrapStateMachine?: (machine: KeyValueMachine) => KeyValueMachine;
}

export class RaftStore implements Store {
  readonly #node: KeyValueNode;
  readonly #history: ChangeHistory;

  private constructor(node: KeyValueNode, history: ChangeHistory) {
    this.#node = node;
    this.#history = history;
  }

  /** Rejects with what `RaftNode.open` rejects with. */
  static async open(options: RaftStoreOptions): Promise<RaftStore> {
    const { wrapStateMachine = (machine) => machine, changeHistory, ...nodeOptions } = options;
    const history = new ChangeHistory(changeHistory);
    const stateMachine = wrapStateMachine(createKeyValueMachine(history));
    return new RaftStore(await RaftNode.open({ ...nodeOptions, stateMachine }), history);
  }

  get stopped(): Promise<Error | null> {
    return this.#node.stopped;
  }

  get(key: string, options: ReadOptions): Promise<ReadResult<StoredValue | null>> {
    return this.#node.read((view) => view.get(key) ?? null, options);
  }

  range(request: RangeRequest, options: ReadOptions): Promise<ReadResult<RangePage>> {
    return this.#node.read((view) => readRange(view, request), options);
  }

  export(request: ExportRequest, options: ReadOptions): Promise<ReadResult<ExportView>> {
    return this.#node.read((view) => new MemoryExportView(view, request), options);
  }

  async watch(
    { prefix, from }: { readonly prefix: string; readonly from: number | null },
    options: WaitOptions,
  ): Promise<ChangeCursor> {
    const history = this.#history;
    // Whoever has seen an index is never further than the bound: a later `from` is of another history, or a mistake.
    if (from === null || from > history.appliedIndex + 1) await this.ready(options);
    const next = history.appliedIndex + 1;
    if (from !== null && from > next) {
      const expected = `at most ${next}, one more than the index of what has happened so far`;
      throw new InvalidArgument({ field: 'from', expected, received: from });
    }
    return history.open({ prefix, from: from ?? next });
  }

  async put(key: string, value: Uint8Array, options: WriteOptions): Promise<WriteAnswer> {
    const ifVersion = options.ifVersion ?? null;
    const { result, ...written } = await this.#propose({ kind: 'put', key, value, ifVersion }, options);
    invariant(result.kind === 'put', 'a put has the result of a put', { kind: result.kind });
    return { ...written, version: result.version };
  }

  async delete(key: string, options: WriteOptions): Promise<DeleteAnswer> {
    const ifVersion = options.ifVersion ?? null;
    const { result, ...written } = await this.#propose({ kind: 'delete', key, ifVersion }, options);
    invariant(result.kind === 'delete', 'a delete has the result of a delete', { kind: result.kind });
    return { ...written, deleted: result.deleted };
  }

  status(): NodeStatus {
    return this.#node.status();
  }

  ready(options: WaitOptions): Promise<{ readonly index: number; readonly term: number }> {
    return this.#node.stateReader.waitLeaderCommitIndexApplied(options);
  }

  transferLeadership(
    to: string | undefined,
    options: Pick<WaitOptions, 'timeoutMs'> & Partial<WaitOptions>,
  ): Promise<void> {
    return this.#node.transferLeadership(to, options);
  }

  close(): Promise<void> {
    return this.#node.close();
  }

  async #propose(
    command: KeyValueCommand,
    options: WriteOptions,
  ): Promise<{ index: number; term: number; token: string; result: KeyValueResult }> {
    const { ifVersion: _, ...proposeOptions } = options;
    const { index, term, token, result } = await this.#node.propose(command, proposeOptions);
    if (result.kind === 'condition-failed') {
      const { expected, actual } = result;
      throw new ConditionFailed({ expected, actual, index, term, token });
    }
    return { index, term, token, result };
  }
}
