/**
 * Counts what really happened in a run, by name: a fault that was switched on and never struck, or a run without
 * elections, proves nothing. Counting must never influence the run.
 */
import type { CoreStatus, Entry, Message, Proposal, ReadResult, RejectedProposals } from '../../core/index.js';
import type { ObservedNode, Observer } from './observer.js';
import type { FaultRates, Plan } from './plan.js';

export class Coverage implements Observer {
  readonly #counts = new Map<string, number>();
  readonly #terms = new Set<number>();

  /** How often each thing happened. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  onStart(): void {
    this.count('start');
  }

  onCrash(_node: ObservedNode, underWay: number): void {
    this.count('end of a process');
    if (underWay > 0) this.count('end of a process with steps under way');
  }

  onTurn(_node: ObservedNode, { role, term }: CoreStatus): void {
    if (role !== 'leader' || this.#terms.has(term)) return;
    this.#terms.add(term);
    this.count('election');
  }

  onSend(_node: ObservedNode, message: Message): void {
    if (message.type === 'append-entries-response' && message.rejected) this.count('append rejected');
    if (message.type === 'timeout-now') this.count('timeout now');
  }

  onProposed(_node: ObservedNode, _proposal: Proposal): void {
    this.count('proposal');
  }

  onApplied(node: ObservedNode, entry: Entry): void {
    if (entry.proposal?.origin === node.bootId) this.count('proposal acknowledged');
  }

  onSnapshot(): void {
    this.count('snapshot taken');
  }

  onRestored(): void {
    this.count('snapshot taken over');
  }

  onRejected(_node: ObservedNode, { reason }: RejectedProposals): void {
    this.count(`proposal rejected: ${reason}`);
  }

  onReadStarted(): void {
    this.count('read');
  }

  onReadCancelled(): void {
    this.count('read cancelled');
  }

  onReadEnded(node: ObservedNode, result: ReadResult): void {
    if (!result.ok) this.count(`read refused: ${result.reason}`);
    else this.count(node.status()?.role === 'leader' ? 'read answered by leader' : 'read answered by follower');
  }

  /** Clients have got enough done. */
  get hasCalls(): boolean {
    return CALLS.every((name) => (this.#counts.get(name) ?? 0) >= LEAST_CALLS);
  }

  /** What has not happened yet, or too rarely: a fault that was switched on, or what clients got done. */
  missing(plan: Plan): readonly string[] {
    return [...expected(plan)].flatMap(([name, least]) => ((this.#counts.get(name) ?? 0) < least ? [name] : []));
  }
}

/** The name under which each fault is counted when it strikes. */
const FAULTS: Readonly<Record<keyof FaultRates, string>> = {
  crash: 'crash',
  stop: 'stop',
  pause: 'pause',
  block: 'block',
  partition: 'message cut',
  hold: 'message held',
  strand: 'strand',
  relapse: 'relapse',
  reset: 'message reset',
  slowDisk: 'slow disk',
  stalledDisk: 'stalled disk',
  failingDisk: 'failing disk',
  fullDisk: 'full disk',
  damagedLog: 'damaged log',
  clockJump: 'clock jump',
  transfer: 'transfer',
  campaign: 'campaign',
};

/** Calls that clients have to get done while the faults go on. */
const LEAST_CALLS = 10;
const CALLS = ['write acknowledged', 'read linearizable'] as const;

function expected({ faults, network, voters, learners }: Plan): ReadonlyMap<string, number> {
  const struck = (Object.keys(faults) as (keyof FaultRates)[]).filter((fault) => faults[fault] !== null);
  const least = new Map(struck.map((fault) => [FAULTS[fault], 1]));
  least.set('election', 1);
  for (const name of CALLS) least.set(name, LEAST_CALLS);
  if (voters + learners === 1) return least;
  if (network.loss > 0) least.set('message lost', 1);
  if (network.duplication > 0) least.set('message duplicated', 1);
  if (network.stragglers > 0) least.set('message straggled', 1);
  return least;
}
