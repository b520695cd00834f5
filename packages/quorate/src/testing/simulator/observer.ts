/**
 * What can be seen of a running world: each hook is called in the moment something happened, by the node it happened
 * to. Invariants, clients and coverage are observers; an observer may throw to end the run, and must never change a
 * node.
 */
import type {
  CoreStatus,
  Entry,
  LogPosition,
  Message,
  NodeId,
  Persist,
  Proposal,
  ReadResult,
  RejectedProposals,
} from '../../core/index.js';
import type { SimulatedLog } from './simulated-log.js';
import type { SimulatedProcess } from './simulated-process.js';

/** A node as those see it who watch it. */
export interface ObservedNode {
  readonly id: NodeId;
  /** The random number of this start (R4). */
  readonly bootId: number;
  readonly log: SimulatedLog;
  /** What readers of this node see. */
  readonly machine: { readonly appliedIndex: number; readonly appliedTerm: number };
  status(): CoreStatus | null;
  /** A snapshot that ends at `index` or later is on its disk, and stays after a loss of power. */
  hasDurableSnapshot(index: number): boolean;
}

export interface Observer {
  /** A core was made from what is durable. */
  onStart?(node: ObservedNode): void;
  /** The process has ended, in whatever way; `underWay` steps of its log were not durable. */
  onCrash?(node: ObservedNode, underWay: number, process: SimulatedProcess): void;
  /** The node was closed in good order; its process is about to end. */
  onClosed?(node: ObservedNode, process: SimulatedProcess): void;
  /** The inputs of a turn were handled; what came of them was not asked for yet. */
  onInputs?(node: ObservedNode, status: CoreStatus): void;
  /** The turn is over: everything the core had to say was taken. */
  onTurn?(node: ObservedNode, status: CoreStatus): void;
  /** The message leaves the node. */
  onSend?(node: ObservedNode, message: Message): void;
  /** The step was handed to the log; `node.log.written` contains it. */
  onPersist?(node: ObservedNode, step: Persist): void;
  /** The step is durable; the core does not know yet. */
  onDurable?(node: ObservedNode, step: Persist): void;
  /** The core handed the entry out as committed. */
  onCommitted?(node: ObservedNode, entry: Entry): void;
  /** The entry's effect is visible to readers of the node. */
  onApplied?(node: ObservedNode, entry: Entry): void;
  /** A snapshot of the node's own is durable. */
  onSnapshot?(node: ObservedNode, position: LogPosition): void;
  /** A snapshot up to this position took the place of what readers of the node saw. */
  onRestored?(node: ObservedNode, position: LogPosition): void;
  /** The proposal is about to be given to the core. `term`: the only term in which it may be appended. */
  onProposed?(node: ObservedNode, proposal: Proposal, term: number): void;
  onRejected?(node: ObservedNode, rejected: RejectedProposals): void;
  /** The read is about to be given to the core. */
  onReadStarted?(node: ObservedNode, read: number): void;
  onReadCancelled?(node: ObservedNode, read: number): void;
  onReadEnded?(node: ObservedNode, result: ReadResult): void;
  /**
   * From time to time, and at the end: what costs too much to be checked at each step. `turned`: of each node that
   * runs, its status when its last turn was over, which is what its log shows.
   */
  onFullCheck?(nodes: readonly ObservedNode[], turned: ReadonlyMap<ObservedNode, CoreStatus>): void;
}

type Hook = keyof Observer;

/** Calls a hook of every observer that has it, in order. */
export type Notify = <H extends Hook>(hook: H, ...happened: Parameters<Required<Observer>[H]>) => void;

/** The function that notifies these observers. What one of them throws, it throws. */
export function notifierOf(observers: readonly Observer[]): Notify {
  const havingHook = new Map<Hook, readonly Observer[]>();
  return (hook, ...happened) => {
    let having = havingHook.get(hook);
    if (having === undefined) {
      having = observers.filter((observer) => observer[hook] !== undefined);
      havingHook.set(hook, having);
    }
    for (const observer of having) (observer[hook] as (...args: typeof happened) => void)(...happened);
  };
}
