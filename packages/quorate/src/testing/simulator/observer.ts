/**
 * What can be seen of a running world: each hook is called in the moment something happened, by the node it happened
 * to. Invariants, clients and coverage are observers; an observer may throw to end the run, and must never change a
 * node.
 */
import type { CoreStatus, Entry, Message, Persist, Proposal, ReadResult, RejectedProposals } from '../../core/index.js';
import type { SimulatedNode } from './simulated-node.js';

export interface Observer {
  /** A core was made from what is durable. */
  onStart?(node: SimulatedNode): void;
  onCrash?(node: SimulatedNode, lostSteps: number): void;
  /** The inputs of a turn were handled; what came of them was not asked for yet. */
  onInputs?(node: SimulatedNode, status: CoreStatus): void;
  /** The turn is over: everything the core had to say was taken. */
  onTurn?(node: SimulatedNode, status: CoreStatus): void;
  /** The message leaves the node. */
  onSend?(node: SimulatedNode, message: Message): void;
  /** The step was handed to the log; `node.log.written` contains it. */
  onPersist?(node: SimulatedNode, step: Persist): void;
  /** The step is durable; the core does not know yet. */
  onDurable?(node: SimulatedNode, step: Persist): void;
  /** The core handed the entry out as committed. */
  onCommitted?(node: SimulatedNode, entry: Entry): void;
  /** The entry's effect is visible to readers of the node. */
  onApplied?(node: SimulatedNode, entry: Entry): void;
  /** The proposal is about to be given to the core. `term`: the only term in which it may be appended. */
  onProposed?(node: SimulatedNode, proposal: Proposal, term: number): void;
  onRejected?(node: SimulatedNode, rejected: RejectedProposals): void;
  /** The read is about to be given to the core. */
  onReadStarted?(node: SimulatedNode, read: number): void;
  onReadCancelled?(node: SimulatedNode, read: number): void;
  onReadEnded?(node: SimulatedNode, result: ReadResult): void;
  /** The state machine has reached the bound of the read: its view is taken now. */
  onReadServed?(node: SimulatedNode, read: number): void;
}

/** Calls every observer in order. */
export type Notify = (call: (observer: Observer) => void) => void;
