/**
 * The state machine of an embedded node as what is read. View and check are one synchronous step (R7), and a node
 * that has stopped shows no state at all.
 */
import { Aborted, LagBehind, SnapshotInstalling, TokenMismatch } from '../../errors/index.js';
import type { Node } from '../../node/node.js';
import type { StateMachine } from '../../node/state-machine/state-machine.js';
import type { Fsm, ReadIndex, View } from '../../reads/index.js';

export class RaftFsm<Tx> implements Fsm<Tx> {
  readonly #node: Node<unknown>;
  readonly #machine: StateMachine<never, unknown, Tx>;

  constructor(node: Node<unknown>, machine: StateMachine<never, unknown, Tx>) {
    this.#node = node;
    this.#machine = machine;
  }

  get source(): string {
    return this.#node.clusterId;
  }

  get replica(): { readonly id: string; readonly role: string } {
    return { id: this.#node.id, role: this.#node.role };
  }

  async waitApplied(
    bound: ReadIndex,
    options: { readonly signal: AbortSignal; readonly maxLag: number },
  ): Promise<void> {
    const replica = this.#node.running ?? (await this.#node.replica(options.signal));
    if (bound.source !== this.source) throw new TokenMismatch('the bound is of another cluster');
    const applied = this.#machine.appliedIndex;
    if (applied >= bound.index) return;
    // The state that is here will never have it, and the one that comes may take its time (R8).
    if (replica.isInstalling) throw new SnapshotInstalling({ leader: this.#node.leader });
    const { maxLag } = options;
    if (bound.index - applied > maxLag) {
      throw new LagBehind({ required: bound.index, applied, limit: maxLag }, { leader: this.#node.leader });
    }
    await replica.waiters.wait(bound.index, options.signal);
  }

  async read<R>(
    bound: ReadIndex,
    fn: (tx: Tx, view: View) => R | Promise<R>,
    options: { readonly signal: AbortSignal },
  ): Promise<R> {
    if (this.#node.running === null) await this.#node.replica(options.signal);
    // From here to the end of `fn` nothing else runs.
    this.#node.running?.assertRunning();
    return this.#machine.read((tx, { appliedIndex }) => {
      if (appliedIndex < bound.index) throw new Aborted({ required: bound.index, applied: appliedIndex });
      return fn(tx, { appliedIndex, exact: true });
    });
  }
}
