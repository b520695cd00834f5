/**
 * Counts what really happened in a run, by name: a fault that was switched on and never struck, or a run without
 * elections, proves nothing. Counting must never influence the run.
 */
import type { CoreStatus, Entry, Message, Proposal, ReadResult, RejectedProposals } from '../../core/index.js';
import type { Observer } from './observer.js';
import type { SimulatedNode } from './simulated-node.js';

export class Coverage implements Observer {
  readonly #counts = new Map<string, number>();
  readonly #terms = new Set<number>();
  readonly #own = new Set<number>();

  /** How often each thing happened. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  onStart(node: SimulatedNode): void {
    this.#own.add(node.bootId);
    this.count('start');
  }

  onCrash(_node: SimulatedNode, lostSteps: number): void {
    this.count('crash');
    if (lostSteps > 0) this.count('crash with loss');
  }

  onTurn(_node: SimulatedNode, { role, term }: CoreStatus): void {
    if (role !== 'leader' || this.#terms.has(term)) return;
    this.#terms.add(term);
    this.count('election');
  }

  onSend(_node: SimulatedNode, message: Message): void {
    if (message.type === 'append-entries-response' && message.rejected) this.count('append rejected');
    if (message.type === 'timeout-now') this.count('timeout now');
  }

  onProposed(_node: SimulatedNode, _proposal: Proposal): void {
    this.count('proposal');
  }

  onApplied(node: SimulatedNode, entry: Entry): void {
    if (entry.proposal?.origin === node.bootId) this.count('proposal acknowledged');
  }

  onRejected(_node: SimulatedNode, { reason }: RejectedProposals): void {
    this.count(`proposal rejected: ${reason}`);
  }

  onReadStarted(): void {
    this.count('read');
  }

  onReadCancelled(): void {
    this.count('read cancelled');
  }

  onReadEnded(node: SimulatedNode, result: ReadResult): void {
    if (!result.ok) this.count(`read refused: ${result.reason}`);
    else this.count(node.status()?.role === 'leader' ? 'read answered by leader' : 'read answered by follower');
  }

  onReadServed(): void {
    this.count('read served');
  }
}
