/**
 * The reference's reader as clients of a simulated node have it: their deadline and signal become its context, and
 * what it comes to becomes a result. It must add no check that the reference lacks: a result says of its view what
 * the reference believes of it.
 */
import { ConsistentRead, Timeout } from '../../../packages/quorate/src/errors/index.js';
import { Deadline } from '../../../packages/quorate/src/reads/deadline.js';
import {
  encodeToken,
  type ReadFunction,
  type ReadIndex,
  type ReadOptions,
  type ReadResult,
  type WaitOptions,
} from '../../../packages/quorate/src/reads/index.js';
import { ReadView } from '../../../packages/quorate/src/reads/read-view.js';
import type { ClientReader, ReaderParts } from '../../../packages/quorate/src/testing/simulator/index.js';
import { ReferenceReader } from '../../support/reference-reader.js';
import type { NodeFsm } from './node-fsm.js';
import { NodeLeader } from './node-leader.js';

export class ReferenceClient implements ClientReader<unknown> {
  readonly #parts: ReaderParts<unknown, unknown, unknown>;
  readonly #fsm: NodeFsm;
  readonly #reference: ReferenceReader<unknown>;

  constructor(parts: ReaderParts<unknown, unknown, unknown>, fsm: NodeFsm) {
    const { raft, machine, clock } = parts;
    this.#parts = parts;
    this.#fsm = fsm;
    this.#reference = new ReferenceReader({
      leader: new NodeLeader(raft),
      clock,
      fsm: { appliedIndex: () => fsm.appliedIndex(), read: (fn) => machine.read((tx) => fn(tx)) },
    });
  }

  async consistentRead<R>(fn: ReadFunction<unknown, R>, options: ReadOptions = {}): Promise<ReadResult<R>> {
    const { level = 'linearizable', bound, token, minIndex } = options;
    if (level !== 'linearizable' || bound !== undefined || token !== undefined || minIndex !== undefined) {
      throw new RangeError('the reference has one level, and no tokens');
    }
    const deadline = this.#deadline(options);
    let started: { readonly value: R | Promise<R>; readonly view: ReadView } | null = null;
    let ran = false;
    try {
      await this.#reference.consistentRead((tx, readIndex) => {
        ran = true;
        const view = new ReadView({ appliedIndex: this.#fsm.appliedIndex(), exact: true }, readIndex, deadline);
        started = { value: fn(tx, view), view };
      }, deadline.signal);
    } catch (error) {
      throw ran ? error : new ConsistentRead(error);
    } finally {
      deadline.dispose();
    }
    const { value, view } = started as unknown as { readonly value: R | Promise<R>; readonly view: ReadView };
    const { index, term, source, appliedIndex } = view;
    const { id, role } = this.#fsm.replica;
    return {
      ...{ value: await value, index, term, appliedIndex, level, servedBy: id, role },
      token: encodeToken({ source, index: appliedIndex, term }),
      waited: { boundMs: 0, applyMs: 0 },
    };
  }

  async waitLeaderCommitIndexApplied(options: WaitOptions = {}): Promise<ReadIndex> {
    const deadline = this.#deadline(options);
    try {
      return await this.#reference.waitLeaderCommitIndexApplied(deadline.signal);
    } finally {
      deadline.dispose();
    }
  }

  #deadline({ timeoutMs = 5_000, signal }: WaitOptions): Deadline {
    const expired = () => new Timeout({ stage: 'apply', timeoutMs });
    return new Deadline({ clock: this.#parts.clock, timeoutMs, signal, expired, waited: () => undefined });
  }
}
