/**
 * The store over the embedded Raft node: it turns calls into commands and reads, and results into answers. Nothing
 * else.
 */
import { join } from 'node:path';
import { type NodeStatus, RaftNode, type RaftNodeOptions, silentLogger } from 'quorate';
import type { DeleteAnswer, RangePage, StoredValue, TransactionAnswer, WriteAnswer } from 'quorate/client';
import { checkInteger, DiskStalled, InvalidArgument, invariant, NoLeader, TokenMismatch } from 'quorate/errors';
import { decodeToken, encodeToken, type ReadOptions, type ReadResult } from 'quorate/reads';
import type { ChangeCursor } from './change-cursor.js';
import { ChangeHistory, type ChangeHistoryOptions } from './change-history.js';
import type { KeyValueCommand, KeyValueResult, Transaction } from './command.js';
import { type ExportRequest, type ExportView, HeldExportView } from './export-view.js';
import { type RangeRequest, readRange } from './key-value.js';
import { type KeyValueMachine, type OpenMachine, openKeyValueMachine, type StoreKind } from './key-value-machine.js';
import type { KeyValueView } from './key-value-state.js';
import { LongPages } from './long-pages.js';
import type { Route } from './request-hash.js';
import type { Backup, KeyWriteOptions, PlaceToWatch, Store, WaitOptions, WriteOptions } from './store.js';
import { commandOf, DEFAULT_KEPT_REQUESTS, type Written, writtenOrThrow } from './written.js';

type KeyValueNode = RaftNode<KeyValueCommand, KeyValueResult, KeyValueView>;

/** A longer page is read in several steps: an entry on the disk takes some microseconds. */
const MAX_STEP_ENTRIES = 1_000;
/** As that of a node. */
const DEFAULT_READ_TIMEOUT_MS = 5_000;

export interface RaftStoreOptions
  extends Omit<RaftNodeOptions<KeyValueCommand, KeyValueResult, KeyValueView>, 'stateMachine'> {
  /** Where the state is kept: `lmdb`, on the disk, in `state` within `dataDir`, or `memory`. Default `lmdb`. */
  readonly store?: StoreKind;
  /**
   * How many requests with an idempotency key are remembered, so that they are not applied again: 1 to 1,000,000.
   * Should be the same on all servers. Default 100,000.
   */
  readonly keptRequests?: number;
  /** How many changes are kept for watches. */
  readonly changeHistory?: ChangeHistoryOptions;
  /** Wraps the state machine, for tests that need a slow or broken one. Default: none. */
  readonly wrapStateMachine?: (machine: KeyValueMachine) => KeyValueMachine;
}

export class RaftStore implements Store {
  readonly #node: KeyValueNode;
  readonly #state: OpenMachine;
  readonly #keptRequests: number;
  readonly #history: ChangeHistory;
  readonly #readTimeoutMs: number;
  readonly #longPages = new LongPages();

  private constructor(
    node: KeyValueNode,
    state: OpenMachine,
    options: { readonly keptRequests: number; readonly history: ChangeHistory; readonly readTimeoutMs: number },
  ) {
    this.#node = node;
    this.#state = state;
    this.#keptRequests = options.keptRequests;
    this.#history = options.history;
    this.#readTimeoutMs = options.readTimeoutMs;
  }

  /** Rejects with what `RaftNode.open` or `openLmdbStateMachine` rejects with. */
  static async open(options: RaftStoreOptions): Promise<RaftStore> {
    const {
      wrapStateMachine = (machine) => machine,
      store = 'lmdb',
      keptRequests = DEFAULT_KEPT_REQUESTS,
      changeHistory,
      readTimeoutMs = DEFAULT_READ_TIMEOUT_MS,
      ...nodeOptions
    } = options;
    checkInteger('keptRequests', keptRequests, 1, 1_000_000);
    const history = new ChangeHistory(changeHistory);
    const { dataDir, logger = silentLogger } = nodeOptions;
    const state = await openKeyValueMachine(store, { path: join(dataDir, 'state'), history, logger });
    try {
      const stateMachine = wrapStateMachine(state.machine);
      const node = await RaftNode.open({ ...nodeOptions, readTimeoutMs, stateMachine });
      return new RaftStore(node, state, { keptRequests, history, readTimeoutMs });
    } catch (error) {
      // Why there is no node says more than what may come of this.
      await Promise.allSettled([state.close()]);
      throw error;
    }
  }

  get stopped(): Promise<Error | null> {
    return this.#node.stopped;
  }

  get(key: string, options: ReadOptions): Promise<ReadResult<StoredValue | null>> {
    return this.#node.read((view) => view.keys.get(key) ?? null, options);
  }

  async range(request: RangeRequest, options: ReadOptions): Promise<ReadResult<RangePage>> {
    const { limit } = request;
    if (limit <= MAX_STEP_ENTRIES) return this.#node.read((view) => readRange(view, request), options);
    const { timeoutMs = this.#readTimeoutMs, signal } = options;
    const sinceMs = performance.now();
    const { value: view, ...read } = await this.#hold((state) => this.#longPages.hold(state, request), options);
    return { ...read, value: await this.#longPages.read(view, { limit, sinceMs, timeoutMs, signal }) };
  }

  export(request: ExportRequest, options: ReadOptions): Promise<ReadResult<ExportView>> {
    return this.#hold((state) => new HeldExportView(state, request), options);
  }

  async watch({ prefix, from, token }: PlaceToWatch, options: WaitOptions): Promise<ChangeCursor> {
    const history = this.#history;
    // Before the cluster is formed there is no history that an index could be of.
    const isFormed = this.#node.status().clusterId !== null;
    if (!isFormed) await this.ready(options);
    if (token !== undefined) this.#indexOf(token);
    // Whoever has seen an index is never further than the bound: a later `from` is of another history, or a mistake.
    if (isFormed && (from === null || from > history.appliedIndex + 1)) await this.ready(options);
    const next = history.appliedIndex + 1;
    if (from !== null && from > next) {
      const expected = `at most ${next}, one more than the index of what has happened so far`;
      throw new InvalidArgument({ field: 'from', expected, received: from });
    }
    return history.open({ prefix, from: from ?? next });
  }

  async put(key: string, value: Uint8Array, options: KeyWriteOptions): Promise<WriteAnswer> {
    const transaction = { conditions: conditionsOn(key, options), operations: [{ put: { key, value } }] };
    const { index, term, token, results } = await this.#write('put', transaction, options);
    const [result] = results;
    invariant(result !== undefined && 'version' in result, 'a put gives the key a version', { index });
    return { index, term, version: result.version, token };
  }

  async delete(key: string, options: KeyWriteOptions): Promise<DeleteAnswer> {
    const transaction = { conditions: conditionsOn(key, options), operations: [{ delete: { key } }] };
    const { index, term, token, results } = await this.#write('delete', transaction, options);
    const [result] = results;
    invariant(result !== undefined && 'deleted' in result, 'a delete tells whether there was a key', { index });
    return { index, term, deleted: result.deleted, token };
  }

  async txn(transaction: Transaction, options: WriteOptions): Promise<TransactionAnswer> {
    const { index, term, token, results } = await this.#write('txn', transaction, options);
    return { index, term, results, token };
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

  takeSnapshot(options: WaitOptions): Promise<{ readonly index: number; readonly term: number }> {
    return this.#node.takeSnapshot(options);
  }

  openBackup(options: WaitOptions): Promise<Backup> {
    return this.#node.openBackup(options);
  }

  /** With DiskStalled the state is left as it stands, too: it would wait for the same disk. */
  async close(): Promise<void> {
    try {
      await this.#node.close();
    } catch (error) {
      // Why the node could not end says more than what goes wrong after it.
      if (!(error instanceof DiskStalled)) await Promise.allSettled([this.#state.close()]);
      throw error;
    }
    await this.#state.close();
  }

  async #hold(hold: (state: KeyValueView) => ExportView, options: ReadOptions): Promise<ReadResult<ExportView>> {
    let held: ExportView | null = null;
    const take = (state: KeyValueView) => {
      held = hold(state);
      return held;
    };
    try {
      return await this.#node.read(take, options);
    } catch (error) {
      // Whoever has given up meanwhile does not release it.
      (held as ExportView | null)?.release();
      throw error;
    }
  }

  async #write(route: Route, transaction: Transaction, options: WriteOptions): Promise<Written> {
    const { ifTerm, timeoutMs, signal, token: held } = options;
    const heldIndex = held === undefined ? null : this.#indexOf(held);
    const command = commandOf(route, transaction, options, { heldIndex, kept: this.#keptRequests });
    const { result, ...entry } = await this.#node.propose(command, { ifTerm, timeoutMs, signal });
    const { source } = decodeToken(entry.token);
    return writtenOrThrow(route, result, entry, (place) => encodeToken({ source, ...place }));
  }

  /** The index of a token that came from outside. Throws TokenMismatch when it is of another history than this one. */
  #indexOf(token: string): number {
    const { clusterId } = this.#node.status();
    // There is a cluster, for it gave the token, but this node has not heard of it yet.
    if (clusterId === null) throw new NoLeader({ outcome: 'not-applied' });
    try {
      const { source, index } = decodeToken(token);
      if (source === clusterId) return index;
    } catch (cause) {
      throw new TokenMismatch('the token is malformed', { cause, outcome: 'not-applied' });
    }
    throw new TokenMismatch('the token is of another cluster, or from before a restore', { outcome: 'not-applied' });
  }
}

function conditionsOn(key: string, { ifVersion }: KeyWriteOptions): Transaction['conditions'] {
  return ifVersion === undefined ? [] : [{ key, version: ifVersion }];
}
