/**
 * A store of one process behind the Store seam: the real key-value application without replication, with failures on
 * demand. It must answer as a real store does, so that what passes over it passes over that one.
 */
import type { NodeStatus } from 'quorate';
import { ConditionFailed, type DeleteAnswer, type RangePage, type StoredValue, type WriteAnswer } from 'quorate/client';
import { ConsistentRead, TermChanged, TokenMismatch } from 'quorate/errors';
import type { ReadOptions, ReadResult } from 'quorate/reads';
import type { KeyValueCommand } from '../../../packages/server/src/store/command.js';
import {
  applyCommand,
  createKeyValueState,
  type RangeRequest,
  readRange,
} from '../../../packages/server/src/store/key-value.js';
import type { Store, WaitOptions, WriteOptions } from '../../../packages/server/src/store/store.js';

export class FakeStore implements Store {
  readonly id: string;
  readonly state = createKeyValueState();
  /** What every call so far was given, in order. */
  readonly calls: { readonly name: string; readonly options: ReadOptions | WriteOptions | WaitOptions }[] = [];
  /** Runs before each operation; throws to make it fail, waits to make it slow. */
  before: (name: string, options: { readonly signal?: AbortSignal | undefined }) => void | Promise<void> = () => {};
  index = 0;
  term = 7;
  role: NodeStatus['role'] = 'leader';
  disk: NodeStatus['disk'] = { state: 'working' };
  readonly stopped: Promise<Error | null>;
  #stop: (error: Error | null) => void = () => {};

  constructor(id = 'n1') {
    this.id = id;
    this.stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
  }

  get(key: string, options: ReadOptions): Promise<ReadResult<StoredValue | null>> {
    return this.#read('get', options, () => this.state.get(key) ?? null);
  }

  range(request: RangeRequest, options: ReadOptions): Promise<ReadResult<RangePage>> {
    return this.#read('range', options, () => readRange(this.state, request));
  }

  async put(key: string, value: Uint8Array, options: WriteOptions): Promise<WriteAnswer> {
    const written = await this.#write({ kind: 'put', key, value, ifVersion: options.ifVersion ?? null }, options);
    return { ...written, version: written.index };
  }

  async delete(key: string, options: WriteOptions): Promise<DeleteAnswer> {
    const existed = this.state.has(key);
    const written = await this.#write({ kind: 'delete', key, ifVersion: options.ifVersion ?? null }, options);
    return { ...written, deleted: existed };
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
        lag: 0,
        rounds: 0,
        waiting: 0,
      },
      ...{
        cluster: 'test',
        clusterId: 'c1',
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
      if (options.token !== undefined && !/^fake:\d+$/.test(options.token)) {
        throw new TokenMismatch('the token is of another cluster');
      }
    } catch (error) {
      throw new ConsistentRead(error);
    }
    const { index, term } = this;
    return {
      ...{ value: fn(), index, term, appliedIndex: index, level: options.level ?? 'linearizable' },
      ...{ servedBy: this.id, role: this.role, token: `fake:${index}`, waited: { boundMs: 0, applyMs: 0 } },
    } as ReadResult<R>;
  }

  async #write(
    command: KeyValueCommand,
    options: WriteOptions,
  ): Promise<{ index: number; term: number; token: string }> {
    await this.#begin(command.kind, options);
    if (options.ifTerm !== undefined && options.ifTerm !== this.term) {
      throw new TermChanged({ expected: options.ifTerm, actual: this.term });
    }
    this.index += 1;
    const { index, term } = this;
    const token = `fake:${index}`;
    const result = applyCommand(this.state, command, { index });
    if (result.kind === 'condition-failed') throw new ConditionFailed({ ...result, index, term, token });
    return { index, term, token };
  }
}
