/**
 * Election Safety (Raft, section 5.2 and Figure 3): at most one leader in a term, and, because a leader that died
 * cannot know what it had appended, never the same node in a later life. Must see every leader, also one that only
 * lives for one message.
 */
import type { CoreStatus, Message } from '../../../core/index.js';
import type { Ledger } from '../ledger.js';
import type { ObservedNode, Observer } from '../observer.js';
import { check } from './violation.js';

const RULE = 'election safety';

export class ElectionSafety implements Observer {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  onInputs(node: ObservedNode, status: CoreStatus): void {
    if (status.role === 'leader') this.#leads(node, status.term);
  }

  onSend(node: ObservedNode, message: Message): void {
    if (message.type === 'append-entries' || message.type === 'heartbeat') this.#leads(node, message.term);
  }

  #leads(node: ObservedNode, term: number): void {
    const { id, bootId } = node;
    const { voters, outgoing } = this.#ledger.configuration;
    check(voters.includes(id) || outgoing.includes(id), RULE, 'only a voter leads', { term, node: id });
    const known = this.#ledger.leaders.get(term);
    if (known === undefined) {
      this.#ledger.leaders.set(term, { id, bootId });
      return;
    }
    const context = { term, leader: known, other: { id, bootId } };
    check(known.id === id && known.bootId === bootId, RULE, 'a term has one leader', context);
  }
}
