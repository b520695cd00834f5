/**
 * What a leader does: it opens its term with a no-op, replicates, commits, opens read rounds, and steps down when it
 * no longer hears from a quorum. It commits by counting only entries of its own term (Raft, section 5.4.2).
 */
import { invariant } from '../../errors/index.js';
import { isVoter } from '../configuration.js';
import type { Entry, NodeId } from '../entry.js';
import { entryBytes } from '../entry.js';
import { Leadership } from '../leadership.js';
import type { Proposal, ProposalRejection } from '../message.js';
import type { Progress } from '../progress.js';
import { reachedByQuorum } from '../quorum.js';
import type { Raft } from '../raft.js';

const NO_DATA = new Uint8Array(0);

/** The term is won: a no-op opens it, so that what earlier terms left behind can be committed (Raft, section 8). */
export function becomeLeader(raft: Raft): void {
  invariant(raft.state.role === 'candidate', 'only a candidate becomes leader', { role: raft.state.role });
  const leadership = new Leadership(raft);
  raft.become({ role: 'leader', leadership });
  append(raft, leadership, [{ kind: 'no-op', proposal: null, data: NO_DATA }]);
}

export function tickLeader(raft: Raft, leadership: Leadership): void {
  raft.heartbeatElapsed++;
  raft.electionElapsed++;
  if (raft.diskIsStalled) {
    raft.becomeFollower(raft.term, null);
    return;
  }
  if (raft.electionElapsed >= raft.options.electionTicks) {
    raft.electionElapsed = 0;
    leadership.transferee = null;
    if (!quorumIsActive(raft, leadership)) {
      raft.becomeFollower(raft.term, null);
      return;
    }
  }
  if (raft.heartbeatElapsed >= raft.options.heartbeatTicks) {
    raft.heartbeatElapsed = 0;
    for (const progress of leadership.followers.values()) progress.mayResume = true;
    broadcastHeartbeat(raft, leadership);
  }
}

/**
 * Check-quorum (Raft dissertation, section 6.2): a leader that heard from no quorum for an election timeout steps
 * down.
 */
function quorumIsActive(raft: Raft, leadership: Leadership): boolean {
  const active = reachedByQuorum(raft.configuration, (voter) =>
    voter === raft.id || leadership.followers.get(voter)?.recentlyActive === true ? 1 : 0,
  );
  for (const progress of leadership.followers.values()) progress.recentlyActive = false;
  return active >= 1;
}

/** Takes proposals into the log, all or none. Returns why not, or null. */
export function propose(raft: Raft, leadership: Leadership, proposals: readonly Proposal[]): ProposalRejection | null {
  if (leadership.transferee !== null) return 'transfer-in-progress';
  const bytes = proposals.reduce((sum, proposal) => sum + entryBytes(proposal), 0);
  const limit = raft.options.maxUncommittedBytes;
  if (leadership.uncommittedBytes > 0 && leadership.uncommittedBytes + bytes > limit) return 'overloaded';
  append(
    raft,
    leadership,
    proposals.map(({ id, data }) => ({ kind: 'command', proposal: id, data })),
  );
  return null;
}

function append(raft: Raft, leadership: Leadership, fresh: readonly Pick<Entry, 'kind' | 'proposal' | 'data'>[]): void {
  const { log, term, now } = raft;
  const timestampMs = Math.max(now.wallMs, log.lastTimestampMs);
  const first = log.lastIndex + 1;
  const entries = fresh.map((entry, i) => ({ ...entry, index: first + i, term, timestampMs }));
  log.append(entries);
  leadership.uncommittedBytes += entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
  broadcastAppend(raft, leadership);
}

export function broadcastAppend(raft: Raft, leadership: Leadership): void {
  for (const [id, progress] of leadership.followers) sendAppend(raft, leadership, id, progress, { evenIfEmpty: true });
}

/**
 * Sends the follower what it lacks, as much as one append holds. An empty append still tells it the commit index and
 * asks whether its log matches. Returns whether one was sent.
 */
export function sendAppend(
  raft: Raft,
  leadership: Leadership,
  to: NodeId,
  progress: Progress,
  { evenIfEmpty }: { readonly evenIfEmpty: boolean },
): boolean {
  if (progress.paused) return false;
  const { log } = raft;
  if (progress.next <= log.start.index) {
    progress.become('snapshot');
    offerSnapshot(raft, to);
    return false;
  }
  const room = progress.state === 'probe' || !progress.inflights.full;
  const entries = room ? log.entriesFrom(progress.next, raft.options.maxAppendBytes) : [];
  if (entries.length === 0 && !evenIfEmpty) return false;
  const previousIndex = progress.next - 1;
  raft.send({
    type: 'append-entries',
    to,
    previousIndex,
    previousTerm: log.termAt(previousIndex),
    entries,
    commit: log.committed,
    round: leadership.rounds.current,
  });
  const bytes = entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
  progress.sent(previousIndex + entries.length, bytes);
  progress.sentCommit = log.committed;
  return true;
}

/** What the follower lacks next was cut off: it has to fetch a snapshot. */
export function offerSnapshot(raft: Raft, to: NodeId): void {
  const { index, term: snapshotTerm } = raft.snapshot;
  raft.send({ type: 'install-snapshot', to, index, snapshotTerm });
}

export function broadcastHeartbeat(raft: Raft, leadership: Leadership): void {
  for (const [to, progress] of leadership.followers) {
    // No further than what is known to be in that follower's log: it may commit up to there without a look at its log.
    const commit = Math.min(progress.match, raft.log.committed);
    raft.send({ type: 'heartbeat', to, commit, round: leadership.rounds.current });
  }
}

/** Commits what a quorum has, if it is of this term, and tells everybody at once. */
export function maybeCommit(raft: Raft, leadership: Leadership): boolean {
  const { log, term } = raft;
  const index = reachedByQuorum(raft.configuration, (voter) =>
    voter === raft.id ? log.durable : (leadership.followers.get(voter)?.match ?? 0),
  );
  if (index <= log.committed || log.termAt(index) !== term) return false;
  leadership.uncommittedBytes -= log.bytesBetween(log.committed, index);
  log.commitTo(index);
  answerConfirmedReads(raft, leadership);
  broadcastAppend(raft, leadership);
  return true;
}

/** A read has arrived: it waits for the next round, and may be what opens it. */
export function openRoundIfDue(raft: Raft, leadership: Leadership): void {
  while (leadership.rounds.due) {
    raft.outbox.openedRounds.push(leadership.rounds.open());
    broadcastHeartbeat(raft, leadership);
    answerConfirmedReads(raft, leadership);
  }
}

/** Answers the reads whose round a quorum of voters has acknowledged (R2), once the term has a committed entry (R1). */
export function answerConfirmedReads(raft: Raft, leadership: Leadership): void {
  const { rounds, followers } = leadership;
  const confirmed = reachedByQuorum(raft.configuration, (voter) =>
    voter === raft.id ? rounds.current : (followers.get(voter)?.round ?? 0),
  );
  for (const read of rounds.confirm(confirmed, raft.log.committed >= leadership.firstIndex)) raft.answerRead(read);
}

/**
 * A voter has answered something that was sent in `round` or later than its opening (R3); learners never count (R2).
 */
export function acknowledgeRound(raft: Raft, leadership: Leadership, progress: Progress, round: number): void {
  if (round <= progress.round) return;
  invariant(round <= leadership.rounds.current, 'only rounds that were opened are acknowledged', { round });
  progress.round = round;
  answerConfirmedReads(raft, leadership);
  openRoundIfDue(raft, leadership);
}

/** Hands over to `to` as soon as it has the whole log (Raft dissertation, section 3.10). */
export function transferLeadership(raft: Raft, leadership: Leadership, to: NodeId): void {
  const progress = leadership.followers.get(to);
  if (progress === undefined || !isVoter(raft.configuration, to) || leadership.transferee === to) return;
  raft.electionElapsed = 0;
  leadership.transferee = to;
  if (progress.match === raft.log.lastIndex) raft.send({ type: 'timeout-now', to });
  else sendAppend(raft, leadership, to, progress, { evenIfEmpty: true });
}
