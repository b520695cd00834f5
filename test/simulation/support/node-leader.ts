/**
 * A simulated node as the place where bounds come from, for readers that are not its own: the bound alone, without
 * the wait for the state. It must ask the leader anew at every call, as the node itself would.
 */
import type { RaftNode } from '../../../packages/quorate/src/engines/raft/raft-node.js';
import { LagBehind, type LeaderHint } from '../../../packages/quorate/src/errors/index.js';
import type { Leader, ReadIndex } from '../../../packages/quorate/src/reads/index.js';

/** The reference's deadline for a question to the leader, whatever its caller's is. */
const TIMEOUT_MS = 5_000;

export class NodeLeader implements Leader {
  readonly #raft: RaftNode<unknown, unknown, unknown>;

  constructor(raft: RaftNode<unknown, unknown, unknown>) {
    this.#raft = raft;
  }

  async readIndex({ signal }: { readonly signal: AbortSignal }): Promise<ReadIndex> {
    const { stateReader } = this.#raft;
    try {
      return await stateReader.waitLeaderCommitIndexApplied({ timeoutMs: TIMEOUT_MS, maxLag: 0, signal });
    } catch (error) {
      signal.throwIfAborted();
      // A replica that is behind the bound at all says so at once, and says the bound.
      if (!(error instanceof LagBehind)) throw error;
      const { term, clusterId } = this.#raft.status();
      return { index: error.required, term, source: clusterId ?? '' };
    }
  }

  hint(): LeaderHint | null {
    return this.#raft.status().leader;
  }
}
