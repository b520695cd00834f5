/**
 * Who uses the world: writes and reads at any node, one by one and in bursts, some fenced to a term, some given up,
 * with pauses in which only reads go on. It decides what is asked and never looks at the answers, which are judged
 * where they arrive.
 */
import type { AvailableLevel } from '../../reads/levels.js';
import type { ClientNode } from './client-node.js';
import { ClientSession } from './client-session.js';
import type { EventQueue } from './event-queue.js';
import type { Operations } from './operations.js';
import type { Prng } from './prng.js';

export interface WorkloadPlan {
  /** Mean virtual milliseconds between two writes, or bursts of them. */
  readonly writeEveryMs: number;
  readonly readEveryMs: number;
  /** Probability that many writes are made at once. */
  readonly bursts: number;
  /** Probability that enough reads are made at once to open a further round. */
  readonly readBursts: number;
  readonly aborts: number;
  /** Probability that a write is fenced to a term, right or wrong. */
  readonly fences: number;
  /** Probability that the function of a read throws. */
  readonly throws: number;
  /** Probability that a read gets a small `maxLag`. */
  readonly lagLimits: number;
  /** How many clients hand tokens on. */
  readonly sessions: number;
  /** Each call draws one of them. */
  readonly timeoutMs: readonly number[];
  /** How often each kind of read is made, relative to the others. */
  readonly levels: Readonly<Record<AvailableLevel | 'bound', number>>;
  /** Probability, at each write, that 1 to 3 s follow in which nobody writes. */
  readonly quiet: number;
}

export interface WorkloadOptions<Command, Result, Tx> {
  readonly plan: WorkloadPlan;
  readonly random: Prng;
  readonly queue: EventQueue;
  readonly nodes: readonly ClientNode<Command, Result, Tx>[];
  readonly operations: Operations<Command, Result, Tx>;
}

/** Enough reads at once to open further rounds while one is in flight. */
const READ_BURST = { min: 33, max: 80 } as const;
const WRITE_BURST = { min: 2, max: 40 } as const;
const QUIET_MS = { min: 1_000, max: 3_000 } as const;
const LONGEST_ABORT_MS = 100;

export class Workload<Command, Result, Tx> {
  readonly #options: WorkloadOptions<Command, Result, Tx>;
  readonly #sessions: readonly ClientSession[];
  #quietUntilMs = 0;
  #stopped = false;
  /** How much more rarely than planned operations are made. */
  #rarer = 1;

  constructor(options: WorkloadOptions<Command, Result, Tx>) {
    this.#options = options;
    this.#sessions = Array.from({ length: options.plan.sessions }, (_, i) => new ClientSession(`session ${i + 1}`));
  }

  start(): void {
    const { plan } = this.#options;
    this.#repeat(plan.writeEveryMs, () => this.#writeSomewhere());
    this.#repeat(plan.readEveryMs, () => this.#readSomewhere());
  }

  /** From now on operations are rare. */
  ease(): void {
    this.#rarer = 10;
  }

  /** No further operation is made; those under way go on. */
  stop(): void {
    this.#stopped = true;
  }

  #writeSomewhere(): void {
    const { random, plan, queue, operations } = this.#options;
    if (queue.nowMs < this.#quietUntilMs) return;
    if (random.chance(plan.quiet)) this.#quietUntilMs = queue.nowMs + random.between(QUIET_MS.min, QUIET_MS.max);
    const node = this.#someNode();
    if (node === null) return;
    const count = random.chance(plan.bursts) ? random.integer(WRITE_BURST.min, WRITE_BURST.max) : 1;
    for (let made = 0; made < count; made += 1) {
      const term = node.raft?.status().term ?? 0;
      const ifTerm = random.chance(plan.fences) ? Math.max(1, term + random.integer(-1, 1)) : undefined;
      operations.write(node, { ...this.#call(), ifTerm, session: count === 1 ? this.#freeSession(0.3) : undefined });
    }
  }

  #readSomewhere(): void {
    const { random, plan } = this.#options;
    const node = this.#someNode();
    if (node === null) return;
    const count = random.chance(plan.readBursts) ? random.integer(READ_BURST.min, READ_BURST.max) : 1;
    const level = this.#level();
    for (let made = 0; made < count; made += 1) this.#read(node, level);
  }

  #read(node: ClientNode<Command, Result, Tx>, level: AvailableLevel | 'bound'): void {
    const { random, plan, operations } = this.#options;
    const maxLag = random.chance(plan.lagLimits) ? random.integer(0, 20) : undefined;
    if (level === 'bound') {
      operations.boundThenReads(node, { ...this.#call(), maxLag });
      return;
    }
    const throws = random.chance(plan.throws);
    const session = this.#freeSession(level === 'session' ? 1 : level === 'local' ? 0 : 0.3);
    operations.read(node, { ...this.#call(), level, maxLag, throws, session });
  }

  /** Any node that is open, whoever leads: also one that was deposed and does not know, or is paused. */
  #someNode(): ClientNode<Command, Result, Tx> | null {
    const { nodes, random } = this.#options;
    const running = nodes.filter(({ raft, process }) => raft !== null && process?.state !== 'dead');
    // Clients often go to who leads, as far as that node knows.
    const leading = random.chance(0.3) ? running.filter(({ raft }) => raft?.status().role === 'leader') : [];
    const open = leading.length > 0 ? leading : running;
    return open.length === 0 ? null : random.pick(open);
  }

  #call(): { readonly timeoutMs: number; readonly abortAfterMs: number | undefined } {
    const { random, plan } = this.#options;
    const abortAfterMs = random.chance(plan.aborts) ? random.between(0, LONGEST_ABORT_MS) : undefined;
    return { timeoutMs: random.pick(plan.timeoutMs), abortAfterMs };
  }

  #freeSession(probability: number): ClientSession | undefined {
    const { random } = this.#options;
    if (!random.chance(probability)) return undefined;
    const free = this.#sessions.filter(({ busy }) => !busy);
    return free.length === 0 ? undefined : random.pick(free);
  }

  #level(): AvailableLevel | 'bound' {
    const { random, plan } = this.#options;
    const kinds = ['linearizable', 'session', 'local', 'bound'] as const;
    let left = random.between(
      0,
      kinds.reduce((sum, kind) => sum + plan.levels[kind], 0),
    );
    for (const kind of kinds) {
      left -= plan.levels[kind];
      if (left < 0) return kind;
    }
    return 'linearizable';
  }

  #repeat(meanMs: number, run: () => void): void {
    const { random, queue } = this.#options;
    queue.schedule(this.#rarer * random.exponential(meanMs), () => {
      if (this.#stopped) return;
      run();
      this.#repeat(meanMs, run);
    });
  }
}
