/**
 * One node of a scenario: a raw node of the core, its disk, and the work for disk and state machine that is under way.
 * It does what a caller of the core has to do and shows it as text; it never does anything by itself.
 */
import {
  type Configuration,
  type Entry,
  FROM_THE_BEGINNING,
  type HardState,
  type LogStart,
  type NodeId,
  type Persist,
  type RaftMessage,
  RawNode,
  type RawNodeOptions,
  type ReadResult,
  type Ready,
  type SnapshotOffer,
} from '../../../packages/quorate/src/core/index.js';
import { bootId, describeEntry, describeMessage } from './message-text.js';
import { describeReadResult, describeReady, describeStep } from './ready-text.js';

export const NOW = { wallMs: 1_700_000_000_000 } as const;

export interface ScenarioNodeOptions {
  readonly number: number;
  readonly configuration: Configuration;
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
  readonly limits: Pick<
    RawNodeOptions,
    'electionTicks' | 'heartbeatTicks' | 'maxWaitingReads' | 'maxInflightAppends' | 'maxAppendBytes'
  > & { readonly electionTicks: number; readonly heartbeatTicks: number };
  /** Steps for the disk, and entries for the state machine, wait for the commands that process them. */
  readonly asyncStorageWrites: boolean;
}

export class ScenarioNode {
  readonly id: NodeId;
  readonly options: ScenarioNodeOptions;
  /** Takes no input and does nothing, as after SIGSTOP. */
  paused = false;
  /** What the next drawings of the election timeout give, in ticks. */
  #electionTimeoutTicks: number;
  readonly #send: (message: RaftMessage) => void;
  #raw: RawNode | null = null;
  #starts = 0;
  #proposals = 0;
  /** What a restart finds. */
  #durable: { readonly hardState: HardState; readonly start: LogStart; readonly entries: readonly Entry[] };
  #appendWork: Persist[] = [];
  #applyWork: (readonly Entry[])[] = [];
  #reads: ReadResult[] = [];
  /** The snapshot that it was offered last. */
  #offer: SnapshotOffer | null = null;
  #shown = { lead: '', hardState: '' };

  constructor(options: ScenarioNodeOptions, send: (message: RaftMessage) => void) {
    const { electionTicks } = options.limits;
    this.id = String(options.number);
    this.options = options;
    this.#electionTimeoutTicks = electionTicks + ((options.number - 1) % electionTicks);
    this.#send = send;
    this.#durable = { hardState: options.hardState, start: FROM_THE_BEGINNING, entries: options.entries };
    this.start(options.hardState.commit);
  }

  /** Starts a process on what is durable. `applied`: what the state machine holds. */
  start(applied = 0): void {
    if (this.#raw !== null) throw new Error(`${this.id} runs already`);
    this.#starts++;
    const { electionTicks } = this.options.limits;
    this.#raw = new RawNode({
      ...this.options.limits,
      ...this.#durable,
      id: this.id,
      bootId: bootId(this.options.number, this.#starts),
      configuration: this.options.configuration,
      snapshot: this.#durable.start,
      applied: Math.max(applied, this.#durable.start.index),
      random: () => (this.#electionTimeoutTicks - electionTicks + 0.5) / electionTicks,
    });
    this.#shown = { lead: this.#lead(), hardState: JSON.stringify(this.#durable.hardState) };
  }

  /** From now on every drawing of the election timeout gives this; the one that runs stays. */
  drawElectionTimeout(ticks: number): void {
    const { electionTicks } = this.options.limits;
    if (ticks < electionTicks || ticks >= 2 * electionTicks) {
      throw new Error(`an election timeout lies in [${electionTicks}, ${2 * electionTicks}), not at ${ticks}`);
    }
    this.#electionTimeoutTicks = ticks;
  }

  /** The process dies: work under way for the disk, and everything not durable, is lost. */
  crash(): void {
    this.#raw = null;
    this.#appendWork = [];
    this.#applyWork = [];
    this.#reads = [];
    this.#offer = null;
  }

  get runs(): boolean {
    return this.#raw !== null;
  }

  /** The raw node, for input; an error when the node takes none. */
  get raw(): RawNode {
    if (this.#raw === null) throw new Error(`${this.id} is down`);
    if (this.paused) throw new Error(`${this.id} is paused`);
    return this.#raw;
  }

  /** The raw node, for a look at it, paused or not; null when there is none. */
  get view(): RawNode | null {
    return this.#raw;
  }

  /** It can do something. */
  get isActive(): boolean {
    return this.#raw !== null && !this.paused;
  }

  get hasAppendWork(): boolean {
    return this.isActive && this.#appendWork.length > 0;
  }

  get hasApplyWork(): boolean {
    return this.isActive && this.#applyWork.length > 0;
  }

  propose(data: readonly string[], ifTerm: number | undefined): void {
    const origin = bootId(this.options.number, this.#starts);
    const proposals = data.map((text) => {
      this.#proposals++;
      return { id: { origin, sequence: this.#proposals }, data: new TextEncoder().encode(text) };
    });
    this.raw.propose(proposals, NOW, { ifTerm });
  }

  /** Handles one Ready, and says what it held. */
  processReady(): readonly string[] {
    const { raw } = this;
    const ready = raw.ready();
    const text = this.#describe(ready);
    this.#reads.push(...ready.reads);
    this.#offer = ready.offers.at(-1) ?? this.#offer;
    for (const message of ready.messages) this.#send(message);
    if (ready.persist !== null) this.#appendWork.push(ready.persist);
    if (ready.committed.length > 0) this.#applyWork.push(ready.committed);
    if (!this.options.asyncStorageWrites) {
      this.processAppendThread(this.#appendWork.length);
      while (this.hasApplyWork) this.processApplyThread();
    }
    return text;
  }

  #describe(ready: Ready): readonly string[] {
    const lead = this.#lead();
    const hardState = ready.persist === null ? this.#shown.hardState : JSON.stringify(ready.persist.hardState);
    const text = describeReady(ready, {
      lead: lead === this.#shown.lead ? null : lead,
      showHardState: hardState !== this.#shown.hardState,
      from: this.id,
      async: this.options.asyncStorageWrites,
    });
    this.#shown = { lead, hardState };
    return text;
  }

  #lead(): string {
    const { leader, role } = this.#raw as RawNode;
    return `Lead:${leader ?? 0} State:${stateName(role)}`;
  }

  /** The oldest steps become durable, in one write. */
  processAppendThread(steps = 1): readonly string[] {
    const { raw } = this;
    const done = this.#appendWork.splice(0, steps);
    const last = done.at(-1);
    if (last === undefined) return [];
    for (const step of done) {
      const start = step.restart ?? this.#durable.start;
      const before = step.restart === null ? this.#durable.entries : [];
      const kept = before.filter(({ index }) => index < (step.entries[0]?.index ?? Number.POSITIVE_INFINITY));
      this.#durable = { hardState: step.hardState, start, entries: [...kept, ...step.entries] };
      // Its state takes the place of the present one as soon as the log begins behind it.
      if (step.restart !== null) raw.applied(step.restart.index);
      for (const message of step.messages) this.#send(message);
    }
    raw.persisted(last.number, NOW);
    const responses = done.flatMap(({ messages }) => messages.map(describeMessage));
    const processing = done.map((step) => describeStep(step, this.id));
    return ['Processing:', ...processing, ...(responses.length > 0 ? ['Responses:', ...responses] : [])];
  }

  /** The state machine has applied the oldest entries that it was given. */
  processApplyThread(): readonly string[] {
    const { raw } = this;
    const entries = this.#applyWork.shift();
    if (entries === undefined) return [];
    raw.applied((entries.at(-1) as Entry).index);
    return [
      'Processing:',
      `${this.id}->ApplyThread MsgStorageApply Entries:[${entries.map(describeEntry).join(', ')}]`,
    ];
  }

  /** It has a durable snapshot of what is applied at `index`, and cuts its log there. */
  compact(index: number): void {
    const start = this.raw.startAt(index);
    this.raw.snapshotted(start);
    this.raw.cutLog(index);
    const entries = this.#durable.entries.filter((entry) => entry.index > index);
    this.#durable = { ...this.#durable, start, entries };
  }

  /** The snapshot that it was offered last is here, durable. Returns whether it takes the place of the log. */
  install(): boolean {
    const { raw } = this;
    const offer = this.#offer;
    if (offer === null) throw new Error(`${this.id} was offered no snapshot`);
    return raw.restore({ index: offer.index, term: offer.term, timestampMs: NOW.wallMs });
  }

  /** How reads ended since the last call. */
  takeReads(): readonly string[] {
    return this.#reads.splice(0).map(describeReadResult);
  }

  durableLog(): readonly string[] {
    return this.#durable.entries.map(describeEntry);
  }
}

export function stateName(role: RawNode['role']): string {
  const names = {
    follower: 'StateFollower',
    'pre-candidate': 'StatePreCandidate',
    candidate: 'StateCandidate',
    leader: 'StateLeader',
  } as const;
  return names[role];
}
