/**
 * The embedded Raft group as the place where bounds come from. Local or remote leader makes no difference here: the
 * core asks whoever leads, over the Raft transport. Bounds are shared by the coalescer of `reads/`, never here.
 */
import type { LeaderHint } from '../../errors/index.js';
import type { Node } from '../../node/node.js';
import type { Leader, ReadIndex } from '../../reads/index.js';

export class RaftLeader implements Leader {
  readonly #node: Node<unknown>;

  constructor(node: Node<unknown>) {
    this.#node = node;
  }

  async readIndex({ signal }: { readonly signal: AbortSignal }): Promise<ReadIndex> {
    const replica = this.#node.running ?? (await this.#node.replica(signal));
    const { index, term } = await replica.readIndex(signal);
    return { index, term, source: this.#node.clusterId };
  }

  hint(): LeaderHint | null {
    return this.#node.leader;
  }
}
