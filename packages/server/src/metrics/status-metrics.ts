/**
 * Gauges of one node, set from its status when somebody looks. What is not known has no sample: it must never be shown
 * as 0.
 */
import { Gauge, type Registry } from 'prom-client';
import type { NodeRole, NodeStatus } from 'quorate';

/** `starting`: HTTP listens, and the node is still reading its log. */
const ROLES: readonly (NodeRole | 'starting')[] = [
  'starting',
  'forming',
  'follower',
  'pre-candidate',
  'candidate',
  'leader',
  'stopped',
];

export class StatusMetrics {
  readonly #term: Gauge;
  readonly #role: Gauge<'role'>;
  readonly #leaderKnown: Gauge;
  readonly #commit: Gauge;
  readonly #applied: Gauge;
  readonly #last: Gauge;
  readonly #first: Gauge;
  readonly #snapshot: Gauge;
  readonly #snapshotBytes: Gauge;
  readonly #lag: Gauge;
  readonly #queues: Gauge<'queue'>;
  readonly #peers: Gauge<'peer'>;

  constructor(registry: Registry) {
    const registers = [registry];
    const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
    this.#term = gauge('quorate_term', 'The term that this node is in');
    this.#role = new Gauge({
      name: 'quorate_role',
      help: 'What this node is: 1 for its role, 0 for every other',
      labelNames: ['role'],
      registers,
    });
    this.#leaderKnown = gauge('quorate_leader_known', '1 while this node knows a leader, otherwise 0');
    this.#commit = gauge('quorate_commit_index', 'The index up to which this node knows the log to be committed');
    this.#applied = gauge('quorate_applied_index', 'The last index whose effect readers of this node can see');
    this.#last = gauge('quorate_last_index', 'The index of the last entry in the log of this node');
    this.#first = gauge('quorate_first_index', 'The index of the first entry in the log of this node');
    this.#snapshot = gauge('quorate_snapshot_index', 'The index of the newest snapshot; no sample without one');
    this.#snapshotBytes = gauge('quorate_snapshot_bytes', 'Size of all snapshots on the disk of this node');
    this.#lag = gauge(
      'quorate_lag_entries',
      'The last confirmed bound less the applied index; no sample when none was asked for lately',
    );
    this.#queues = new Gauge({
      name: 'quorate_queue_length',
      help: 'What waits in this node: reads, writes, steps of the log for the disk, committed entries to be applied',
      labelNames: ['queue'],
      registers,
    });
    this.#peers = new Gauge({
      name: 'quorate_peer_connected',
      help: '1 while messages can be sent to the peer, otherwise 0',
      labelNames: ['peer'],
      registers,
    });
  }

  /** `status`: null while the node is starting. */
  update(status: NodeStatus | null): void {
    const role = status?.role ?? 'starting';
    for (const each of ROLES) this.#role.set({ role: each }, each === role ? 1 : 0);
    this.#term.set(status?.term ?? 0);
    this.#leaderKnown.set((status?.leader ?? null) === null ? 0 : 1);
    this.#commit.set(status?.commit ?? 0);
    this.#applied.set(status?.applied ?? 0);
    this.#last.set(status?.lastIndex ?? 0);
    this.#first.set(status?.firstIndex ?? 0);
    this.#snapshotBytes.set(status?.snapshots.bytes ?? 0);
    setOrRemove(this.#snapshot, status?.snapshots.index ?? null);
    setOrRemove(this.#lag, status?.lag ?? null);
    const { reads = 0, writes = 0, log = 0, apply = 0 } = status?.queues ?? {};
    for (const [queue, length] of Object.entries({ reads, writes, log, apply })) this.#queues.set({ queue }, length);
    this.#peers.reset();
    for (const { id, connected } of status?.members ?? []) {
      if (id !== status?.id) this.#peers.set({ peer: id }, connected ? 1 : 0);
    }
  }
}

function setOrRemove(gauge: Gauge, value: number | null): void {
  if (value === null) gauge.remove();
  else gauge.set(value);
}
