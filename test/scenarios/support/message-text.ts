/**
 * Messages and entries as text, in the style of etcd-io/raft's `describe` functions where it has the same thing. It
 * computes nothing: every number shown is a field of the message.
 */
import type { Entry, ProposalId, RaftMessage } from '../../../packages/quorate/src/core/index.js';
import { unreachable } from '../../../packages/quorate/src/errors/index.js';

const NAMES = {
  'request-vote': 'MsgVote',
  'request-vote-response': 'MsgVoteResp',
  'request-pre-vote': 'MsgPreVote',
  'request-pre-vote-response': 'MsgPreVoteResp',
  'append-entries': 'MsgApp',
  'append-entries-response': 'MsgAppResp',
  heartbeat: 'MsgHeartbeat',
  'heartbeat-response': 'MsgHeartbeatResp',
  'install-snapshot': 'MsgSnap',
  'timeout-now': 'MsgTimeoutNow',
  propose: 'MsgProp',
  'propose-rejected': 'MsgPropRejected',
  'read-index-request': 'MsgReadIndex',
  'read-index-response': 'MsgReadIndexResp',
  'read-index-rejected': 'MsgReadIndexRejected',
} as const satisfies Record<RaftMessage['type'], string>;

export const MESSAGE_NAMES: readonly string[] = Object.values(NAMES);

export function messageName({ type }: RaftMessage): string {
  return NAMES[type];
}

/**
 * `1->2 MsgApp Term:1 Log:1/10 Commit:10 Entries:[…] Round:3`: etcd's text, and after it what only our messages have. A
 * commit index or round of 0 is left out.
 */
export function describeMessage(message: RaftMessage): string {
  const { from, to, term } = message;
  return [`${from}->${to} ${messageName(message)} Term:${term}`, ...fieldsOf(message)].join(' ');
}

function fieldsOf(message: RaftMessage): readonly string[] {
  switch (message.type) {
    case 'request-vote':
      return [position(message.lastTerm, message.lastIndex), ...(message.transfer ? ['Transfer'] : [])];
    case 'request-pre-vote':
      return [position(message.lastTerm, message.lastIndex)];
    case 'request-vote-response':
    case 'request-pre-vote-response':
      return [position(0, 0), ...rejected(message.rejected, 0)];
    case 'append-entries': {
      const { previousTerm, previousIndex, commit, entries } = message;
      const log = entries.length > 0 ? [`Entries:[${entries.map(describeEntry).join(', ')}]`] : [];
      return [
        position(previousTerm, previousIndex),
        ...number('Commit', commit),
        ...log,
        ...number('Round', message.round),
      ];
    }
    case 'append-entries-response': {
      const { hintTerm, index, hintIndex } = message;
      return [position(hintTerm, index), ...rejected(message.rejected, hintIndex), ...number('Round', message.round)];
    }
    case 'heartbeat':
      return [position(0, 0), ...number('Commit', message.commit), ...number('Round', message.round)];
    case 'heartbeat-response':
      return [position(0, 0), ...number('Round', message.round)];
    case 'install-snapshot':
      return [`Snapshot:${message.snapshotTerm}/${message.index}`];
    case 'timeout-now':
      return [position(0, 0)];
    case 'propose':
      return [`Proposals:[${message.proposals.map(({ id, data }) => `${requestOf(id)} ${quote(data)}`).join(', ')}]`];
    case 'propose-rejected':
      return [`Proposals:[${message.ids.map(requestOf).join(', ')}]`, `Reason:${message.reason}`];
    case 'read-index-request':
      return [`Request:${requestOf(message)}`];
    case 'read-index-response':
      return [`Request:${requestOf(message)}`, `Index:${message.index}`, `Commit:${message.commit}`];
    case 'read-index-rejected':
      return [`Request:${requestOf(message)}`, `Reason:${message.reason}`];
    default:
      return unreachable(message);
  }
}

function position(term: number, index: number): string {
  return `Log:${term}/${index}`;
}

function rejected(isRejected: boolean, hint: number): readonly string[] {
  return isRejected ? [`Rejected (Hint: ${hint})`] : [];
}

function number(name: string, value: number): readonly string[] {
  return value === 0 ? [] : [`${name}:${value}`];
}

/** `1/12 EntryNormal "prop_1"`. */
export function describeEntry({ term, index, kind, data }: Entry): string {
  return `${term}/${index} ${kind === 'configuration' ? 'EntryConfChange' : 'EntryNormal'} ${quote(data)}`;
}

function quote(data: Uint8Array): string {
  return JSON.stringify(new TextDecoder().decode(data));
}

/** A process of a node: its third one has the boot id 203 if it is node 2, and is shown as `2.3`. */
export function bootId(node: number, start: number): number {
  return 100 * node + start;
}

/** `2.1/5`: the fifth request of the first process of node 2. */
export function requestOf({ origin, sequence }: Pick<ProposalId, 'origin' | 'sequence'>): string {
  return `${Math.floor(origin / 100)}.${origin % 100}/${sequence}`;
}
