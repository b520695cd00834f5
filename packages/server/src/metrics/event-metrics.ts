/**
 * Counters and histograms of one node, fed by what the library tells on its diagnostics channels. A label takes few
 * values, all of them the library's own words: never a key, or anything else that a client chose.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Gauge, type Registry } from 'prom-client';
import type {
  ApplyEvent,
  BoundEvent,
  CommitEvent,
  LeaderEvent,
  LogEvent,
  LoopEvent,
  NodeEvent,
  ReadEvent,
  RoundEvent,
  SnapshotEvent,
  WriteEvent,
} from 'quorate';
import { EventCounter } from './event-counter.js';
import { type Distribution, EventHistogram } from './event-histogram.js';

/** Seconds. A read takes 0.2 ms where nothing is waited for, and 5 s is its default deadline. */
const CALL_BUCKETS = [2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
/** A durable write takes 50 µs on the quickest drives. */
const DISK_BUCKETS = [5e-5, 1e-4, ...CALL_BUCKETS];
/** A batch takes microseconds; above 5 ms it is too long for one step. */
const APPLY_BUCKETS = [1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1];
/** A small state takes milliseconds; a large one is written slowly, to leave the disk to others. */
const SNAPSHOT_BUCKETS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500];
const LOOP_BUCKETS = [1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const COUNT_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

export class EventMetrics {
  readonly #node: string;
  readonly #registry: Registry;
  readonly #listeners: (() => void)[] = [];

  /** Feeds metrics in `registry` with the events of the node of that name, until it is closed. */
  constructor(registry: Registry, node: string) {
    this.#registry = registry;
    this.#node = node;
    this.#countReads();
    this.#countBounds();
    this.#countWrites();
    this.#countCommits();
    this.#countLog();
    this.#countLeaders();
    this.#countSnapshots();
    const loop = this.#histogram('quorate_loop_delay_seconds', 'How late the ticks of the node came', LOOP_BUCKETS);
    this.#on<LoopEvent>('quorate.loop', ({ delayMs }) => loop.observe(delayMs / 1_000));
  }

  /** Listens no more. */
  close(): void {
    for (const end of this.#listeners.splice(0)) end();
  }

  #countReads(): void {
    const ended = new EventCounter(this.#registry, {
      name: 'quorate_reads_total',
      help: 'Reads that have ended, by level, outcome and error code',
      labelNames: ['level', 'outcome', 'code'],
    });
    const duration = new EventHistogram(this.#registry, {
      name: 'quorate_read_duration_seconds',
      help: 'Reads that were served, from their call to their end',
      label: 'level',
      bounds: CALL_BUCKETS,
    });
    const wait = new EventHistogram(this.#registry, {
      name: 'quorate_read_wait_seconds',
      help: 'Waits of reads: for the bound, of that for its confirmation, and until the bound is applied',
      label: 'stage',
      bounds: CALL_BUCKETS,
    });
    for (const level of ['linearizable', 'session', 'local']) {
      ended.add(0, [level, 'served', '']);
      duration.series(level);
    }
    const [bound, confirm, apply] = [wait.series('bound'), wait.series('confirm'), wait.series('apply')];
    this.#on<ReadEvent>('quorate.read', (read) => {
      const level = read.level ?? '';
      ended.add(1, [level, read.outcome, read.code ?? '']);
      if (read.outcome === 'served') duration.series(level).observe(read.durationMs / 1_000);
      if (read.boundMs !== null) bound.observe(read.boundMs / 1_000);
      if (read.confirmMs !== null) confirm.observe(read.confirmMs / 1_000);
      if (read.applyMs !== null && level !== 'local') apply.observe(read.applyMs / 1_000);
    });
  }

  #countBounds(): void {
    const shared = this.#histogram(
      'quorate_bound_request_reads',
      'Reads that shared a request for a bound',
      COUNT_BUCKETS,
    );
    this.#on<BoundEvent>('quorate.bound', ({ reads }) => shared.observe(reads));
    const served = this.#histogram(
      'quorate_round_requests',
      'Requests for a bound that a confirmation round of this leader served',
      COUNT_BUCKETS,
    );
    this.#on<RoundEvent>('quorate.round', ({ requests }) => served.observe(requests));
  }

  #countWrites(): void {
    const ended = new EventCounter(this.#registry, {
      name: 'quorate_writes_total',
      help: 'Writes through this node that have ended, by outcome and error code',
      labelNames: ['outcome', 'code'],
    });
    const duration = this.#histogram(
      'quorate_write_duration_seconds',
      'Writes that were applied, from their call to their end',
      CALL_BUCKETS,
    );
    ended.add(0, ['applied', '']);
    this.#on<WriteEvent>('quorate.write', ({ outcome, code, durationMs }) => {
      ended.add(1, [outcome, code ?? '']);
      if (outcome === 'applied') duration.observe(durationMs / 1_000);
    });
  }

  #countCommits(): void {
    const commit = this.#histogram(
      'quorate_commit_duration_seconds',
      'Entries of this leader, from its log to their commit',
      CALL_BUCKETS,
    );
    this.#on<CommitEvent>('quorate.commit', ({ durationMs }) => commit.observe(durationMs / 1_000));
    const apply = this.#histogram(
      'quorate_apply_duration_seconds',
      'Batches of entries in the state machine, each one synchronous step',
      APPLY_BUCKETS,
    );
    const applied = this.#counter('quorate_applied_entries_total', 'Entries that the state machine has applied');
    this.#on<ApplyEvent>('quorate.apply', ({ entries, durationMs }) => {
      apply.observe(durationMs / 1_000);
      applied.add(entries);
    });
  }

  #countLog(): void {
    const write = this.#histogram('quorate_log_write_duration_seconds', 'Durable writes to the log', DISK_BUCKETS);
    const written = this.#counter('quorate_log_written_bytes_total', 'Bytes of records written to the log');
    const size = new Gauge({
      name: 'quorate_log_bytes',
      help: 'Size of all segments of the log; no sample before the first write',
      registers: [this.#registry],
    });
    size.remove();
    this.#on<LogEvent>('quorate.log', ({ bytes, durationMs, logBytes }) => {
      write.observe(durationMs / 1_000);
      written.add(bytes);
      size.set(logBytes);
    });
  }

  #countLeaders(): void {
    const changes = this.#counter('quorate_leader_changes_total', 'Times that this node came to know another leader');
    let last = { leader: '', term: 0 };
    this.#on<LeaderEvent>('quorate.leader', ({ leader, term }) => {
      if (leader === null || (leader === last.leader && term === last.term)) return;
      last = { leader, term };
      changes.add();
    });
  }

  #countSnapshots(): void {
    const ended = new EventCounter(this.#registry, {
      name: 'quorate_snapshots_total',
      help: 'Snapshots that were taken, sent or received, or could not be, by error code',
      labelNames: ['kind', 'outcome', 'code'],
    });
    const duration = new EventHistogram(this.#registry, {
      name: 'quorate_snapshot_duration_seconds',
      help: 'Snapshots that were taken, sent or received, from their beginning to their end',
      label: 'kind',
      bounds: SNAPSHOT_BUCKETS,
    });
    for (const kind of ['taken', 'sent', 'received']) {
      ended.add(0, [kind, 'done', '']);
      duration.series(kind);
    }
    this.#on<SnapshotEvent>('quorate.snapshot', ({ kind, outcome, code, durationMs }) => {
      ended.add(1, [kind, outcome, code ?? '']);
      if (outcome === 'done') duration.series(kind).observe(durationMs / 1_000);
    });
  }

  #counter(name: string, help: string): EventCounter {
    const counter = new EventCounter(this.#registry, { name, help });
    counter.add(0);
    return counter;
  }

  #histogram(name: string, help: string, bounds: readonly number[]): Distribution {
    return new EventHistogram(this.#registry, { name, help, bounds }).series();
  }

  #on<Event extends NodeEvent>(name: string, listener: (event: Event) => void): void {
    const onMessage = (message: unknown) => {
      const event = message as Event;
      if (event.node === this.#node) listener(event);
    };
    subscribe(name, onMessage);
    this.#listeners.push(() => unsubscribe(name, onMessage));
  }
}
