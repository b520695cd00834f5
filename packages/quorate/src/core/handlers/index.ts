/**
 * What happens to a message: first the rules that hold for the term of every message (Raft, section 5.1), then its
 * handler. A message of an earlier term must never reach a handler that could count it.
 */
import { unreachable } from '../../errors/index.js';
import type { RaftMessage } from '../message.js';
import type { Raft } from '../raft.js';
import { handleAppendEntries } from './append-entries.js';
import { handleAppendEntriesResponse } from './append-entries-response.js';
import { handleHeartbeat } from './heartbeat.js';
import { handleHeartbeatResponse } from './heartbeat-response.js';
import { handleInstallSnapshot } from './install-snapshot.js';
import { handlePropose, handleProposeRejected } from './propose.js';
import { handleReadIndexRejected, handleReadIndexRequest, handleReadIndexResponse } from './read-index.js';
import { handleRequestPreVote, handleRequestVote, leaderIsHeardOf } from './request-vote.js';
import { handleRequestPreVoteResponse, handleRequestVoteResponse } from './request-vote-response.js';
import { handleTimeoutNow } from './timeout-now.js';

export function handle(raft: Raft, message: RaftMessage): void {
  if (message.term > raft.term) {
    if (!acceptHigherTerm(raft, message)) return;
  } else if (message.term < raft.term) {
    answerLowerTerm(raft, message);
    return;
  }
  dispatch(raft, message);
}

/** A higher term ends this node's own, unless the message only asks. False when the message is to be ignored. */
function acceptHigherTerm(raft: Raft, message: RaftMessage): boolean {
  switch (message.type) {
    case 'request-pre-vote':
      return !leaderIsHeardOf(raft);
    case 'request-vote':
      if (!message.transfer && leaderIsHeardOf(raft)) return false;
      break;
    case 'request-pre-vote-response':
      // A grant carries the term of the campaign that is not begun yet.
      if (!message.rejected) return true;
      break;
    default:
      break;
  }
  raft.becomeFollower(message.term, isFromLeader(message) ? message.from : null);
  return true;
}

function isFromLeader({ type }: RaftMessage): boolean {
  return type === 'append-entries' || type === 'heartbeat' || type === 'install-snapshot';
}

/** The sender is behind. Those who wait for an answer, or lead without knowing that they do not, are told the term. */
function answerLowerTerm(raft: Raft, message: RaftMessage): void {
  const { from: to } = message;
  switch (message.type) {
    case 'append-entries':
    case 'heartbeat':
    case 'install-snapshot': {
      const nothing = { index: 0, rejected: true, hintIndex: 0, hintTerm: 0, round: 0 };
      raft.send({ type: 'append-entries-response', to, ...nothing });
      return;
    }
    case 'request-pre-vote':
      raft.send({ type: 'request-pre-vote-response', to, rejected: true });
      return;
    case 'propose':
      handlePropose(raft, message);
      return;
    case 'propose-rejected':
      // What was refused stays refused, whatever the term is by now.
      handleProposeRejected(raft, message);
      return;
    case 'read-index-request':
      raft.refuseRead({ kind: 'remote', from: to, origin: message.origin, sequence: message.sequence }, 'not-leader');
      return;
    default:
      return;
  }
}

function dispatch(raft: Raft, message: RaftMessage): void {
  switch (message.type) {
    case 'request-vote':
      handleRequestVote(raft, message);
      return;
    case 'request-vote-response':
      handleRequestVoteResponse(raft, message);
      return;
    case 'request-pre-vote':
      handleRequestPreVote(raft, message);
      return;
    case 'request-pre-vote-response':
      handleRequestPreVoteResponse(raft, message);
      return;
    case 'append-entries':
      handleAppendEntries(raft, message);
      return;
    case 'append-entries-response':
      handleAppendEntriesResponse(raft, message);
      return;
    case 'heartbeat':
      handleHeartbeat(raft, message);
      return;
    case 'heartbeat-response':
      handleHeartbeatResponse(raft, message);
      return;
    case 'install-snapshot':
      handleInstallSnapshot(raft, message);
      return;
    case 'timeout-now':
      handleTimeoutNow(raft, message);
      return;
    case 'propose':
      handlePropose(raft, message);
      return;
    case 'propose-rejected':
      handleProposeRejected(raft, message);
      return;
    case 'read-index-request':
      handleReadIndexRequest(raft, message);
      return;
    case 'read-index-response':
      handleReadIndexResponse(raft, message);
      return;
    case 'read-index-rejected':
      handleReadIndexRejected(raft, message);
      return;
    default:
      unreachable(message);
  }
}
