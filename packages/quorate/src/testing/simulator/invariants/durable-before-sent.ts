/**
 * Nothing is said that a crash could take back (Raft, Figure 2, "updated on stable storage before responding"; R3,
 * R11, R12). A vote, an acknowledgement, a campaign must leave a node only once the term, vote and log that they tell
 * of are durable there.
 */
import type { Message, Persist } from '../../../core/index.js';
import { describeMessage } from '../message-text.js';
import type { ObservedNode, Observer } from '../observer.js';
import { check } from './violation.js';

const RULE = 'durable before sent';

export class DurableBeforeSent implements Observer {
  /** Messages of a step are judged in the moment their step is durable; later steps may tell of another term. */
  readonly #judged = new WeakSet<Message>();

  onDurable(node: ObservedNode, step: Persist): void {
    for (const message of step.messages) {
      judge(node, message);
      this.#judged.add(message);
    }
  }

  onSend(node: ObservedNode, message: Message): void {
    if (!this.#judged.has(message)) judge(node, message);
  }
}

function judge(node: ObservedNode, message: Message): void {
  const { hardState, lastIndex } = node.log.durable;
  const context = { node: node.id, hardState, lastIndex, to: message.to, message: describeMessage(message) };
  // In an earlier term than the durable one it can neither vote nor campaign again: nothing of that can be taken back.
  const isPast = hardState.term > message.term;
  switch (message.type) {
    case 'request-vote':
      if (isPast) return;
      // Then it can never campaign in this term a second time, with less of a log than it names here.
      check(
        hardState.term === message.term && hardState.vote === node.id,
        RULE,
        'who asks for votes has its term and its own vote on disk',
        context,
      );
      return;
    case 'request-vote-response':
      if (message.rejected || isPast) return;
      check(
        hardState.term === message.term && hardState.vote === message.to,
        RULE,
        'who votes has its term and that vote on disk',
        context,
      );
      return;
    case 'append-entries-response':
      check(hardState.term >= message.term, RULE, 'who acknowledges has the term on disk', context);
      if (message.rejected) return;
      check(lastIndex >= message.index, RULE, 'who acknowledges has the entries on disk', context);
      judgeEntry(node, message.term, message.index);
      return;
    case 'append-entries':
    case 'heartbeat':
    case 'heartbeat-response':
    case 'read-index-response':
      check(hardState.term >= message.term, RULE, 'who leads or confirms has the term on disk (R3)', context);
      return;
    default:
      return;
  }
}

/** What is acknowledged is what the disk has at that index, not an older entry that is about to be superseded. */
function judgeEntry(node: ObservedNode, term: number, index: number): void {
  const { durable, written } = node.log;
  if (written.hardState.term !== term) return;
  const context = { node: node.id, index, durable: durable.term(index), written: written.term(index) };
  check(
    durable.term(index) === written.term(index),
    RULE,
    'who acknowledges has that very entry on disk, not an older one',
    context,
  );
}
