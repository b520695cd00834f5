/**
 * The store over the embedded Raft node: it turns calls into commands and reads, and results into answers. Nothing
 * else.
 */
import { type NodeStatus, RaftNode, type RaftNodeOptions } from 'quorate';
import type { DeleteAnswer, RangePage, StoredValue, TransactionAnswer, WriteAnswer } from 'quorate/client';
import { checkInteger, invariant, NoLeader, TokenMismatch } from 'quorate/errors';
import { decodeToken, encodeToken, type ReadOptions, type ReadResult } from 'quorate/reads';
import type { Change, KeyValueCommand, KeyValueResult } from './command.js';
import { type RangeRequest, readRange } from './key-value.js';
import { createKeyValueMachine, type KeyValueMachine } from './key-value-machine.js';
import type { KeyValueView } from './key-value-state.js';
import type { Route } from './request-hash.js';
import type { KeyWriteOptions, Store, WaitOptions, WriteOptions } from './store.js';
import { commandOf, DEFAULT_KEPT_REQUESTS, type Written, writtenOrThrow } from './written.js';

type KeyValueNode = RaftNode<KeyValueCommand, KeyValueResult, KeyValueView>;

export interface RaftStoreOptions
  extends Omit<RaftNodeOptions<KeyValueCommand, KeyValueResult, KeyValueView>, 'stateMachine'> {
  /**
   * How many requests with an idempotency key are remembered, so that they are not applied again: 1 to 1,000,000.
   * Should be the same on all servers. Default 100,000.
   */
  readonly keptRequests?: number;
  /** Wraps the state machine, for tests that need a slow or broken one. Default: none. */
  readonly wrapStateMachine?: (machine: KeyValueMachine) => KeyValueMachine;
}

export class RaftStore implements Store {
  readonly #node: KeyValueNode;
  readonly #keptRequests: number;

  private constructor(node: KeyValueNode, keptRequests: number) {
    this.#node = node;
    this.#keptRequests = keptRequests;
  }

  /** Rejects with what `RaftNode.open` rejects with. */
  static async open(options: RaftStoreOptions): Promise<RaftStore> {
    const { wrapStateMachine = (machine) => machine, keptRequests = DEFAULT_KEPT_REQUESTS, ...nodeOptions } = options;
    checkInteger('keptRequests', keptRequests, 1, 1_000_000);
    const stateMachine = wrapStateMachine(createKeyValueMachine());
    return new RaftStore(await RaftNode.open({ ...nodeOptions, stateMachine }), keptRequests);
  }

  get stopped(): Promise<Error | null> {
    return this.#node.stopped;
  }

  get(key: string, options: ReadOptions): Promise<ReadResult<StoredValue | null>> {
    return this.#node.read((view) => view.keys.get(key) ?? null, options);
  }

  range(request: RangeRequest, options: ReadOptions): Promise<ReadResult<RangePage>> {
    return this.#node.read((view) => readRange(view, request), options);
  }

  async put(key: string, value: Uint8Array, options: KeyWriteOptions): Promise<WriteAnswer> {
    const change = { conditions: conditionsOn(key, options), operations: [{ put: { key, value } }] };
    const { index, term, token, results } = await this.#write('put', change, options);
    const [result] = results;
    invariant(result !== undefined && 'version' in result, 'a put gives the key a version', { index });
    return { index, term, version: result.version, token };
  }

  async delete(key: string, options: KeyWriteOptions): Promise<DeleteAnswer> {
    const change = { conditions: conditionsOn(key, options), operations: [{ delete: { key } }] };
    const { index, term, token, results } = await this.#write('delete', change, options);
    const [result] = results;
    invariant(result !== undefined && 'deleted' in result, 'a delete tells whether there was a key', { index });
    return { index, term, deleted: result.deleted, token };
  }

  async txn(change: Change, options: WriteOptions): Promise<TransactionAnswer> {
    const { index, term, token, results } = await this.#write('txn', change, options);
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

  close(): Promise<void> {
    return this.#node.close();
  }

  async #write(route: Route, change: Change, options: WriteOptions): Promise<Written> {
    const { ifTerm, timeoutMs, signal, token: held } = options;
    const heldIndex = held === undefined ? null : this.#indexOf(held);
    const command = commandOf(route, change, options, { heldIndex, kept: this.#keptRequests });
    const { result, ...entry } = await this.#node.propose(command, { ifTerm, timeoutMs, signal });
    const { source } = decodeToken(entry.token);
    return writtenOrThrow(route, result, entry, (place) => encodeToken({ source, ...place }));
  }

  /** The index of a token from before a write. Throws TokenMismatch when it is of another history than this one. */
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

function conditionsOn(key: string, { ifVersion }: KeyWriteOptions): Change['conditions'] {
  return ifVersion === undefined ? [] : [{ key, version: ifVersion }];
}
