/**
 * A simulated node's state machine as what is read, for readers that are not its own: right, or with the index of the
 * queue in place of that of the state, or with a clock in place of being woken. Whatever is right must stay so.
 */
import { Aborted, LagBehind } from '../../../packages/quorate/src/errors/index.js';
import type { Fsm, ReadIndex, View } from '../../../packages/quorate/src/reads/index.js';
import type { ReaderParts } from '../../../packages/quorate/src/testing/simulator/index.js';
import { nextLook } from '../../support/reference-reader.js';
import type { ReferenceCore } from './reference-core.js';

/** Which index readers go by. */
export type IndexTrait = 'visible' | 'queued';

interface Options {
  readonly signal: AbortSignal;
  readonly maxLag: number;
}

export class NodeFsm implements Fsm<unknown> {
  readonly #parts: ReaderParts<unknown, unknown, unknown>;
  readonly #core: () => ReferenceCore;
  readonly #index: IndexTrait;
  readonly #polls: boolean;

  constructor(
    parts: ReaderParts<unknown, unknown, unknown>,
    { core, index, polls }: { readonly core: () => ReferenceCore; readonly index: IndexTrait; readonly polls: boolean },
  ) {
    this.#parts = parts;
    this.#core = core;
    this.#index = index;
    this.#polls = polls;
  }

  get source(): string {
    return this.#parts.raft.status().clusterId ?? '';
  }

  get replica(): { readonly id: string; readonly role: string } {
    return this.#parts.raft.status();
  }

  /** What readers are to take for the index of the state. */
  appliedIndex(): number {
    return this.#index === 'visible' ? this.#parts.machine.appliedIndex : this.#core().queued.value;
  }

  async waitApplied({ index: required }: ReadIndex, { signal, maxLag: limit }: Options): Promise<void> {
    const applied = this.appliedIndex();
    if (applied >= required) return;
    if (required - applied > limit) throw new LagBehind({ required, applied, limit });
    if (!this.#polls) await this.#core()[this.#index].waiters.wait(required, signal);
    while (this.appliedIndex() < required) await nextLook(this.#parts.clock, signal);
  }

  async read<R>({ index: required }: ReadIndex, fn: (tx: unknown, view: View) => R | Promise<R>): Promise<R> {
    return this.#parts.machine.read((tx) => {
      const appliedIndex = this.appliedIndex();
      if (appliedIndex < required) throw new Aborted({ required, applied: appliedIndex });
      return fn(tx, { appliedIndex, exact: true });
    });
  }
}
