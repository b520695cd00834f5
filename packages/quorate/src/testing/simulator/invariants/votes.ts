/**
 * A vote is never changed or cleared within a term, not by a crash either (Raft, section 5.2; R11). Every vote that
 * left a node, the one for itself in its campaign included, must be the only one of that node in that term for ever.
 */
import type { Message, NodeId, Persist } from '../../../core/index.js';
import type { ObservedNode, Observer } from '../observer.js';
import { check } from './violation.js';

const RULE = 'one vote in a term';

export class Votes implements Observer {
  readonly #cast = new Map<string, NodeId>();
  readonly #durable = new Map<string, NodeId>();

  onSend(node: ObservedNode, message: Message): void {
    if (message.type === 'request-vote') this.#vote(this.#cast, node, message.term, node.id);
    if (message.type === 'request-vote-response' && !message.rejected) {
      this.#vote(this.#cast, node, message.term, message.to);
    }
  }

  onDurable(node: ObservedNode, step: Persist): void {
    const { term, vote } = step.hardState;
    const known = this.#durable.get(`${node.id}/${term}`);
    check(known === undefined || vote !== null, RULE, 'a vote is not cleared', { node: node.id, term, known });
    if (vote !== null) this.#vote(this.#durable, node, term, vote);
  }

  #vote(votes: Map<string, NodeId>, node: ObservedNode, term: number, candidate: NodeId): void {
    const name = `${node.id}/${term}`;
    const known = votes.get(name);
    check(known === undefined || known === candidate, RULE, 'a vote is not changed', {
      node: node.id,
      term,
      known,
      candidate,
    });
    votes.set(name, candidate);
  }
}
