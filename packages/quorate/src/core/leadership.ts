/**
 * Everything a leader knows beside its log, for one term: its followers' progress, the read rounds, and a transfer
 * under way. Made when the term is won and dropped as a whole when leadership ends; never carried over.
 */
import { members } from './configuration.js';
import type { NodeId } from './entry.js';
import { Inflights } from './inflights.js';
import { Progress } from './progress.js';
import type { Raft } from './raft.js';
import { ReadRounds } from './read-rounds.js';

export class Leadership {
  /** The index of the no-op that opened the term: no bound is given before it is committed (R1). */
  readonly firstIndex: number;
  /** Of every other member, in the order of their names. */
  readonly followers: ReadonlyMap<NodeId, Progress>;
  readonly rounds: ReadRounds;
  /** Bytes of the entries that are not committed. */
  uncommittedBytes: number;
  /** Who is to take over. Proposals are refused meanwhile; it ends after an election timeout. */
  transferee: NodeId | null = null;

  constructor(raft: Raft) {
    const { options, log } = raft;
    this.firstIndex = log.lastIndex + 1;
    this.rounds = new ReadRounds(options.maxWaitingReads);
    this.uncommittedBytes = log.uncommittedBytes();
    const limits = { maxAppends: options.maxInflightAppends, maxBytes: options.maxInflightBytes };
    this.followers = new Map(
      members(raft.configuration)
        .filter((id) => id !== raft.id)
        .map((id) => [id, new Progress(log.lastIndex + 1, new Inflights(limits))]),
    );
  }
}
