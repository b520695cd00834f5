/**
 * A message as a few words for traces and failures, without the nodes that it goes between. It names every field that
 * decides anything, so that two runs with the same lines are the same run.
 */
import type { Message } from '../../core/index.js';
import { unreachable } from '../../errors/index.js';

export function describeMessage(message: Message): string {
  return `${message.type} term=${message.term}${describeFields(message)}`;
}

function describeFields(message: Message): string {
  switch (message.type) {
    case 'request-vote':
    case 'request-pre-vote':
      return ` last=${message.lastIndex}/${message.lastTerm}`;
    case 'request-vote-response':
    case 'request-pre-vote-response':
      return message.rejected ? ' rejected' : ' granted';
    case 'append-entries': {
      const position = `${message.previousIndex}/${message.previousTerm}`;
      return ` after=${position} entries=${message.entries.length} commit=${message.commit} round=${message.round}`;
    }
    case 'append-entries-response': {
      const answer = message.rejected ? `rejected hint=${message.hintIndex}/${message.hintTerm}` : 'accepted';
      return ` index=${message.index} ${answer} round=${message.round}`;
    }
    case 'heartbeat':
      return ` commit=${message.commit} round=${message.round}`;
    case 'heartbeat-response':
      return ` round=${message.round}`;
    case 'install-snapshot':
      return ` snapshot=${message.index}/${message.snapshotTerm}`;
    case 'snapshot-request':
      return ` snapshot=${message.index}/${message.snapshotTerm} offset=${message.offset}`;
    case 'snapshot-chunk': {
      const bytes = message.size === 0 ? 'gone' : `bytes=${message.data.byteLength}`;
      return ` snapshot=${message.index}/${message.snapshotTerm} offset=${message.offset} ${bytes}`;
    }
    case 'timeout-now':
      return '';
    case 'propose':
      return ` ids=${message.proposals.map((proposal) => proposal.id.sequence).join()}`;
    case 'propose-rejected':
      return ` ids=${message.ids.map((id) => id.sequence).join()} ${message.reason}`;
    case 'read-index-request':
      return ` request=${message.sequence}`;
    case 'read-index-response':
      return ` request=${message.sequence} index=${message.index} commit=${message.commit}`;
    case 'read-index-rejected':
      return ` request=${message.sequence} ${message.reason}`;
    default:
      return unreachable(message);
  }
}
