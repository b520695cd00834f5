/**
 * One node of the world: a core, a log with a slow disk, a state machine, and the loop that drives them as the real
 * node's loop does: inputs in order, then everything the core wants done. It can crash, start again, and be paused
 * like a process under SIGSTOP.
 */
import type { Configuration, CoreStatus, Message, NodeId, Now, Persist, Proposal, Ready } from '../../core/index.js';
import { invariant } from '../../errors/index.js';
import type { CoreNode, CreateCore } from './core-node.js';
import type { EventQueue } from './event-queue.js';
import { freezeReady } from './freeze-ready.js';
import { describeMessage } from './message-text.js';
import type { Notify } from './observer.js';
import type { Plan, Range } from './plan.js';
import type { Prng } from './prng.js';
import { SimulatedLog } from './simulated-log.js';
import { SimulatedStateMachine } from './simulated-state-machine.js';
import type { Trace } from './trace.js';

export interface SimulatedNodeOptions {
  readonly id: NodeId;
  readonly plan: Plan;
  readonly configuration: Configuration;
  readonly create: CreateCore;
  readonly queue: EventQueue;
  readonly prng: Prng;
  readonly trace: Trace;
  readonly notify: Notify;
  readonly send: (message: Message) => void;
}

/** A running core must come to rest: more rounds of Ready than this in one turn are an endless loop. */
const MAX_READY_ROUNDS = 1_000;
/** A write that was begun slowly still ends while the world recovers. */
const SLOWEST_WRITE_MS = 3_000;
const START_OF_WALL_CLOCK_MS = 1_700_000_000_000;

type Input = (core: CoreNode, now: Now) => void;

export class SimulatedNode {
  readonly id: NodeId;
  readonly log = new SimulatedLog();
  readonly machine = new SimulatedStateMachine();
  readonly #options: SimulatedNodeOptions;
  #core: CoreNode | null = null;
  /** Grows with every start and crash, so that timers of an earlier life do nothing. */
  #life = 0;
  #bootId = 0;
  #paused = false;
  #missedTick = false;
  #inbox: Input[] = [];
  #turnIsDue = false;
  #writing = false;
  #applying = false;
  #clockSkewMs = 0;
  /** Multiplies the time of disk writes. */
  diskSlowness = 1;

  constructor(options: SimulatedNodeOptions) {
    this.id = options.id;
    this.#options = options;
  }

  get running(): boolean {
    return this.#core !== null;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** The random number of this start (R4). */
  get bootId(): number {
    return this.#bootId;
  }

  /** The core's status, null while the node is down. */
  status(): CoreStatus | null {
    return this.#core?.status() ?? null;
  }

  start(): void {
    invariant(this.#core === null, 'a node is started once', { id: this.id });
    const { plan, prng, configuration, create, id } = this.#options;
    this.#life += 1;
    this.#bootId = prng.integer(1, 2 ** 48 - 1);
    this.#clockSkewMs = prng.integer(-plan.node.clockSkewMs, plan.node.clockSkewMs);
    const random = prng.fork();
    this.#core = create({
      id,
      bootId: this.#bootId,
      configuration,
      hardState: this.log.durable.hardState,
      entries: [...this.log.durable.entries],
      applied: this.machine.appliedIndex,
      random: () => random.next(),
      electionTicks: plan.electionTicks,
      heartbeatTicks: 1,
      ...plan.limits,
    });
    this.#record(`start boot=${this.#bootId} last=${this.log.durable.lastIndex} applied=${this.machine.appliedIndex}`);
    this.#options.notify((observer) => observer.onStart?.(this));
    this.#scheduleTick(this.#life, prng.between(0, plan.tickMs));
    this.#scheduleTurn();
  }

  /** The process dies: what was not durable is lost, except for steps that had reached the disk unacknowledged. */
  crash(): void {
    const { prng, plan } = this.#options;
    invariant(this.#core !== null, 'only a running node crashes', { id: this.id });
    const kept = prng.chance(plan.disk.keepsUnderWay) ? prng.integer(0, this.log.underWay.length) : 0;
    const lost = this.log.crash(kept);
    this.machine.crash(plan.node.durableState);
    this.#core = null;
    this.#life += 1;
    this.#paused = false;
    this.#missedTick = false;
    this.#inbox = [];
    this.#turnIsDue = false;
    this.#writing = false;
    this.#applying = false;
    this.#record(`crash kept=${kept} lost=${lost}`);
    this.#options.notify((observer) => observer.onCrash?.(this, lost));
  }

  /** As SIGSTOP: nothing is handled, no tick counts, what arrives waits. The disk goes on with what it was given. */
  pause(): void {
    this.#paused = true;
    this.#record('pause');
  }

  /** As SIGCONT: what waited is handled first, and at most one tick fires for all the time that passed. */
  resume(): void {
    this.#paused = false;
    this.#record(`resume waiting=${this.#inbox.length}`);
    if (this.#missedTick) this.#inbox.push((core, now) => core.tick(now));
    this.#missedTick = false;
    this.#scheduleTurn();
  }

  /** Moves the node's wall clock, as a step of NTP does. */
  jumpClock(skewMs: number): void {
    this.#clockSkewMs = skewMs;
    this.#record(`clock skew=${skewMs}`);
  }

  receive(message: Message): void {
    this.#enqueue((core, now) => {
      this.#record(`< ${describeMessage(message)}`);
      core.step(message, now);
    });
  }

  propose(proposals: readonly Proposal[], ifTerm: number | null): void {
    this.#enqueue((core, now) => {
      const term = ifTerm ?? core.status().term;
      for (const proposal of proposals) {
        this.#record(`propose ${proposal.id.sequence} term=${term}`);
        this.#options.notify((observer) => observer.onProposed?.(this, proposal, term));
      }
      core.propose(proposals, now, ifTerm === null ? {} : { ifTerm });
    });
  }

  read(read: number): void {
    this.#enqueue((core, now) => {
      this.#record(`read ${read}`);
      this.#options.notify((observer) => observer.onReadStarted?.(this, read));
      core.readIndex(read, now);
    });
  }

  cancelRead(read: number): void {
    this.#enqueue((core) => {
      this.#record(`cancel read ${read}`);
      this.#options.notify((observer) => observer.onReadCancelled?.(this, read));
      core.cancelRead(read);
    });
  }

  campaign(): void {
    this.#enqueue((core, now) => {
      this.#record('campaign');
      core.campaign(now);
    });
  }

  transferLeadership(to: NodeId): void {
    this.#enqueue((core, now) => {
      this.#record(`transfer to ${to}`);
      core.transferLeadership(to, now);
    });
  }

  unreachable(peer: NodeId): void {
    this.#enqueue((core) => {
      this.#record(`unreachable ${peer}`);
      core.unreachable(peer);
    });
  }

  #enqueue(input: Input): void {
    if (this.#core === null) return;
    this.#inbox.push(input);
    this.#scheduleTurn();
  }

  #scheduleTurn(): void {
    if (this.#turnIsDue || this.#paused || this.#core === null) return;
    this.#turnIsDue = true;
    const life = this.#life;
    this.#options.queue.schedule(this.#draw(this.#options.plan.node.turnMs), () => {
      if (life !== this.#life) return;
      this.#turnIsDue = false;
      if (!this.#paused) this.#turn();
    });
  }

  #turn(): void {
    const inputs = this.#inbox;
    this.#inbox = [];
    const core = this.#core as CoreNode;
    for (const input of inputs) {
      input(core, this.#now());
      if (this.#options.plan.node.readyPerInput) this.#drain(core);
    }
    this.#drain(core);
  }

  /** Takes everything the core has to say, as the real loop does. */
  #drain(core: CoreNode): void {
    const inputsStatus = core.status();
    this.#options.notify((observer) => observer.onInputs?.(this, inputsStatus));
    for (let round = 0; core.hasReady(); round += 1) {
      invariant(round < MAX_READY_ROUNDS, 'the core comes to rest', { id: this.id });
      this.#handle(freezeReady(core.ready()));
    }
    const status = core.status();
    this.#options.notify((observer) => observer.onTurn?.(this, status));
  }

  #handle(ready: Ready): void {
    const { notify } = this.#options;
    for (const message of ready.messages) this.#send(message);
    const { persist } = ready;
    if (persist !== null) {
      this.log.submit(persist);
      this.#record(`persist ${persist.number} entries=${persist.entries.length} term=${persist.hardState.term}`);
      notify((observer) => observer.onPersist?.(this, persist));
      this.#startWrite();
    }
    for (const entry of ready.committed) notify((observer) => observer.onCommitted?.(this, entry));
    this.machine.enqueue(ready.committed);
    this.#startApply();
    for (const rejected of ready.rejected) notify((observer) => observer.onRejected?.(this, rejected));
    for (const result of ready.reads) {
      this.#record(`read ${result.read} ${result.ok ? `bound=${result.index} term=${result.term}` : result.reason}`);
      notify((observer) => observer.onReadEnded?.(this, result));
      if (!result.ok) continue;
      this.machine.whenApplied(result.index, () => notify((observer) => observer.onReadServed?.(this, result.read)));
    }
  }

  #startWrite(): void {
    if (this.#writing || this.log.underWay.length === 0) return;
    this.#writing = true;
    const { queue, plan, prng, notify } = this.#options;
    const count = this.#stepsOfNextWrite();
    const life = this.#life;
    const delayMs = Math.min(this.#draw(plan.disk.delayMs) * this.diskSlowness, SLOWEST_WRITE_MS);
    queue.schedule(delayMs, () => {
      if (life !== this.#life) return;
      this.#writing = false;
      const steps = Array.from({ length: count }, () => {
        const step = this.log.complete();
        notify((observer) => observer.onDurable?.(this, step));
        return step;
      });
      const last = steps.at(-1) as Persist;
      const oneByOne = prng.chance(0.5);
      this.#enqueue((core, now) => {
        this.#record(`durable ${last.number}`);
        for (const step of steps) {
          for (const message of step.messages) this.#send(message);
          if (oneByOne || step === last) core.persisted(step.number, now);
        }
      });
      this.#startWrite();
    });
  }

  /** A step that need not be synced costs nothing: it is done with the one before it. */
  #stepsOfNextWrite(): number {
    const { underWay } = this.log;
    const { maxSyncsPerWrite } = this.#options.plan.disk;
    let syncs = 0;
    for (const [position, { mustSync }] of underWay.entries()) {
      if (mustSync && syncs === maxSyncsPerWrite) return position;
      if (mustSync) syncs += 1;
    }
    return underWay.length;
  }

  #startApply(): void {
    if (this.#applying || this.machine.waiting === 0) return;
    this.#applying = true;
    const { queue, plan, notify } = this.#options;
    const life = this.#life;
    queue.schedule(this.#draw(plan.node.applyMs), () => {
      if (life !== this.#life) return;
      this.#enqueue((core) => {
        this.#applying = false;
        for (const entry of this.machine.apply(plan.node.applyBatch)) {
          notify((observer) => observer.onApplied?.(this, entry));
        }
        this.#record(`applied ${this.machine.appliedIndex}`);
        core.applied(this.machine.appliedIndex);
        this.machine.wake();
        this.#startApply();
      });
    });
  }

  #scheduleTick(life: number, delayMs: number): void {
    const { queue, plan, prng } = this.#options;
    queue.schedule(delayMs, () => {
      if (life !== this.#life) return;
      if (this.#paused) this.#missedTick = true;
      else this.#enqueue((core, now) => core.tick(now));
      this.#scheduleTick(life, plan.tickMs * prng.between(0.9, 1.1));
    });
  }

  #send(message: Message): void {
    invariant(message.from === this.id && message.to !== this.id, 'a node sends in its own name, to others', {
      id: this.id,
      message: describeMessage(message),
    });
    this.#record(`> ${describeMessage(message)}`);
    this.#options.notify((observer) => observer.onSend?.(this, message));
    this.#options.send(message);
  }

  #now(): Now {
    return { wallMs: START_OF_WALL_CLOCK_MS + Math.floor(this.#options.queue.nowMs) + this.#clockSkewMs };
  }

  #draw(range: Range): number {
    return this.#options.prng.between(range.min, range.max);
  }

  #record(line: string): void {
    this.#options.trace.record(this.#options.queue.nowMs, `${this.id} ${line}`);
  }
}
