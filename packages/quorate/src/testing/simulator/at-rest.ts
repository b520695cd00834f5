/**
 * What has to be so when everything is over: nothing is left behind by operations that have ended, and whoever has
 * applied the same log is in the same state. It must be asked only of nodes that were healed and have nothing to do.
 */
import type { NodeId } from '../../core/index.js';
import type { Application } from './application.js';
import { Violation } from './invariants/violation.js';
import type { SimulatedNode } from './simulated-node.js';

/** A node with nothing to do has its tick; its log was sealed long ago. */
const TIMERS_AT_REST = 1;

/** Nothing is left behind by operations that have ended, however they did (R9). */
export function checkAtRest(nodes: readonly SimulatedNode[]): void {
  for (const { id, process, raft } of nodes) {
    const timers = process?.timers ?? 0;
    if (timers > TIMERS_AT_REST) throw new Violation('at rest', 'no timer is left behind (R9)', { node: id, timers });
    const waiting = raft?.status().waiting ?? 0;
    if (waiting > 0) throw new Violation('at rest', 'nobody is left waiting (R9)', { node: id, waiting });
  }
}

/** Who has applied the same entries has the same state. */
export function checkConvergence<Tx>(
  application: Application<unknown, unknown, Tx>,
  nodes: readonly SimulatedNode<unknown, unknown, Tx>[],
): void {
  if (application.fingerprint === undefined) return;
  const states = new Map<number, { readonly node: NodeId; readonly state: string }>();
  for (const { id: node, machine } of nodes) {
    const state = machine.read((tx) => application.fingerprint?.(tx) ?? '');
    const other = states.get(machine.appliedIndex) ?? { node, state };
    states.set(machine.appliedIndex, other);
    if (state === other.state) continue;
    const context = { index: machine.appliedIndex, one: other, other: { node, state } };
    throw new Violation('convergence', 'the same entries give the same state', context);
  }
}
