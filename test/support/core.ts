/**
 * Core nodes stepped by hand: a `Peer` is one RawNode with a log that becomes durable when the test says so, a
 * `Cluster` is several with the messages between them in the test's hands. Nothing happens by itself, so a test shows
 * every step of its scenario.
 */
import {
  type Configuration,
  type CoreStatus,
  type Entry,
  type HardState,
  type NodeId,
  type Persist,
  type Proposal,
  type RaftMessage,
  RawNode,
  type RawNodeOptions,
  type ReadResult,
  type RejectedProposals,
  votersOnly,
} from '../../packages/quorate/src/core/index.js';

type MessageType = RaftMessage['type'];
export type MessageOf<T extends MessageType> = Extract<RaftMessage, { type: T }>;

export interface PeerOptions extends Partial<Omit<RawNodeOptions, 'id' | 'configuration' | 'hardState'>> {
  readonly id?: NodeId;
  /** Default: n1, n2, n3. */
  readonly voters?: readonly NodeId[];
  readonly configuration?: Configuration;
  readonly term?: number;
  readonly vote?: NodeId | null;
  readonly commit?: number;
  /** The terms of the entries in the log; in place of `entries`. */
  readonly terms?: readonly number[];
  /** Leave steps under way until `persist()` is called. Default false: durable at once. */
  readonly slowDisk?: boolean;
}

export const NOW = { wallMs: 1_700_000_000_000 } as const;

/** An entry whose data tell index and term, so that the same position in the same term is the same entry everywhere. */
export function entry(index: number, term: number): Entry {
  const data = new TextEncoder().encode(`${index}/${term}`);
  return { index, term, kind: 'command', timestampMs: 0, proposal: { origin: term, sequence: index }, data };
}

/** Entries with the given terms, from index `first` on. */
export function entries(terms: readonly number[], first = 1): readonly Entry[] {
  return terms.map((term, position) => entry(first + position, term));
}

let lastSequence = 0;

/** A proposal of some node, never the same twice. */
export function proposal(origin = 1, bytes = 1): Proposal {
  lastSequence += 1;
  return { id: { origin, sequence: lastSequence }, data: new Uint8Array(bytes) };
}

export class Peer {
  readonly id: NodeId;
  readonly raw: RawNode;
  readonly bootId: number;
  /** Steps handed out and not durable yet, oldest first. */
  readonly steps: Persist[] = [];
  /** Everything handed out as committed. */
  readonly committed: Entry[] = [];
  readonly reads: ReadResult[] = [];
  readonly rejected: RejectedProposals[] = [];
  /** What a restart would find. */
  durable: { hardState: HardState; entries: Entry[] };
  /** Leave steps under way until `persist()` is called. */
  slowDisk: boolean;
  #outbox: RaftMessage[] = [];

  constructor(options: PeerOptions = {}) {
    const { id = 'n1', voters = ['n1', 'n2', 'n3'], terms = [], slowDisk = false, ...rest } = options;
    this.id = id;
    this.slowDisk = slowDisk;
    const log = options.entries ?? entries(terms);
    const hardState = {
      term: options.term ?? log.at(-1)?.term ?? 0,
      vote: options.vote ?? null,
      commit: options.commit ?? 0,
    };
    this.durable = { hardState, entries: [...log] };
    this.bootId = options.bootId ?? 1;
    this.raw = new RawNode({
      applied: hardState.commit,
      random: () => 0,
      configuration: votersOnly(voters),
      ...rest,
      id,
      bootId: this.bootId,
      hardState,
      entries: log,
    });
    this.drain();
  }

  get status(): CoreStatus {
    return this.raw.status();
  }

  step(...messages: readonly RaftMessage[]): this {
    for (const message of messages) this.raw.step(message, NOW);
    return this.drain();
  }

  tick(count = 1): this {
    for (let done = 0; done < count; done += 1) {
      this.raw.tick(NOW);
      this.drain();
    }
    return this;
  }

  propose(proposals: readonly Proposal[] = [proposal(this.bootId)], options: { ifTerm?: number } = {}): this {
    this.raw.propose(proposals, NOW, options);
    return this.drain();
  }

  read(...reads: readonly number[]): this {
    for (const read of reads) this.raw.readIndex(read, NOW);
    return this.drain();
  }

  campaign(): this {
    this.raw.campaign(NOW);
    return this.drain();
  }

  transfer(to: NodeId): this {
    this.raw.transferLeadership(to, NOW);
    return this.drain();
  }

  unreachable(peer: NodeId): this {
    this.raw.unreachable(peer);
    return this.drain();
  }

  /** The oldest `count` steps become durable: their messages leave, the core is told. */
  persist(count = this.steps.length): this {
    for (const step of this.steps.splice(0, count)) {
      this.#store(step);
      this.#outbox.push(...step.messages);
      this.raw.persisted(step.number, NOW);
    }
    return this.drain();
  }

  /** Takes everything the core has to say. */
  drain(): this {
    while (this.raw.hasReady()) {
      const ready = this.raw.ready();
      this.#outbox.push(...ready.messages);
      if (ready.persist !== null) this.steps.push(ready.persist);
      this.committed.push(...ready.committed);
      const last = ready.committed.at(-1);
      if (last !== undefined) this.raw.applied(last.index);
      this.reads.push(...ready.reads);
      this.rejected.push(...ready.rejected);
      if (!this.slowDisk && this.steps.length > 0) this.persist();
    }
    return this;
  }

  /** Everything that has left the node since the last call. */
  take(): readonly RaftMessage[] {
    return this.#outbox.splice(0);
  }

  /** The messages of one type that have left the node, to one receiver if named; the others are kept. */
  takeOf<T extends MessageType>(type: T, to?: NodeId): readonly MessageOf<T>[] {
    const isWanted = (message: RaftMessage): message is MessageOf<T> =>
      message.type === type && (to === undefined || message.to === to);
    const wanted = this.#outbox.filter(isWanted);
    this.#outbox = this.#outbox.filter((message) => !isWanted(message));
    return wanted;
  }

  /** The node dies and starts again from what is durable; what it said before is not kept. */
  restart(options: PeerOptions = {}): Peer {
    const { hardState, entries: log } = this.durable;
    return new Peer({ id: this.id, ...hardState, entries: log, applied: 0, bootId: this.bootId + 1, ...options });
  }

  #store({ hardState, entries: fresh }: Persist): void {
    const kept = fresh[0] === undefined ? this.durable.entries : this.durable.entries.slice(0, fresh[0].index - 1);
    this.durable = { hardState, entries: [...kept, ...fresh] };
  }
}

/** Makes the peer leader of its next term, with votes of the others written by hand. Takes what it said meanwhile. */
export function elect(peer: Peer, voters: readonly NodeId[] = ['n2', 'n3']): Peer {
  const term = peer.status.term + 1;
  peer.campaign();
  for (const from of voters) {
    peer.step({ type: 'request-pre-vote-response', from, to: peer.id, term, rejected: false });
  }
  peer.persist();
  for (const from of voters) peer.step({ type: 'request-vote-response', from, to: peer.id, term, rejected: false });
  if (peer.status.role !== 'leader') throw new Error(`${peer.id} is ${peer.status.role} in term ${peer.status.term}`);
  peer.persist();
  peer.take();
  return peer;
}

/** A follower's answer that it has everything through `index`. */
export function acknowledge(peer: Peer, from: NodeId, index: number, round = 0): RaftMessage {
  const answer = { rejected: false, hintIndex: 0, hintTerm: 0 } as const;
  return { type: 'append-entries-response', from, to: peer.id, term: peer.status.term, index, ...answer, round };
}

/**
 * A leader whose followers have acknowledged its no-op, so that everything it has is committed. Takes what it said
 * meanwhile.
 */
export function establish(peer: Peer, followers: readonly NodeId[] = ['n2', 'n3']): Peer {
  elect(peer, followers);
  for (const from of followers) peer.step(acknowledge(peer, from, peer.status.lastIndex));
  peer.take();
  return peer;
}

/** Several peers, and the messages between them. */
export class Cluster {
  readonly peers: Map<NodeId, Peer>;
  /** Messages that were held back by `deliver`. */
  readonly held: RaftMessage[] = [];

  constructor(peers: readonly Peer[]) {
    this.peers = new Map(peers.map((peer) => [peer.id, peer]));
  }

  peer(id: NodeId): Peer {
    const peer = this.peers.get(id);
    if (peer === undefined) throw new Error(`no peer ${id}`);
    return peer;
  }

  /** Delivers messages until there are none; those for which `holds` is true are kept in `held`. */
  deliver(holds: (message: RaftMessage) => boolean = () => false): this {
    for (let round = 0; round < 1_000; round += 1) {
      const messages = [...this.peers.values()].flatMap((peer) => [...peer.take()]);
      if (messages.length === 0) return this;
      for (const message of messages) {
        if (holds(message)) this.held.push(message);
        else this.peers.get(message.to)?.step(message);
      }
    }
    throw new Error('the cluster does not come to rest');
  }

  /** Delivers everything that was held back. */
  release(holds?: (message: RaftMessage) => boolean): this {
    for (const message of this.held.splice(0)) this.peers.get(message.to)?.step(message);
    return this.deliver(holds);
  }

  /** Makes a node leader, with everybody taking part. */
  elect(id: NodeId): Peer {
    this.peer(id).campaign();
    this.deliver();
    const leader = this.peer(id);
    if (leader.status.role !== 'leader') throw new Error(`${id} is ${leader.status.role}`);
    return leader;
  }
}

/** Three voters, n1 to n3, with different election timeouts, of which n1 leads. */
export function threePeers(options: PeerOptions = {}): Cluster {
  const ids = ['n1', 'n2', 'n3'];
  const cluster = new Cluster(
    ids.map((id, position) => new Peer({ random: () => position / 3, ...options, id, bootId: position + 1 })),
  );
  cluster.elect('n1');
  return cluster;
}

/**
 * The followers of n1 no longer hear from it, and n2 becomes leader and commits a write: n1 is deposed and does not
 * know.
 */
export function depose(cluster: Cluster): Peer {
  cluster.peer('n3').tick(12);
  const leader = cluster.peer('n2').tick(13);
  cluster.deliver(between('n1'));
  leader.propose();
  cluster.deliver(between('n1'));
  cluster.held.length = 0;
  if (leader.status.role !== 'leader' || cluster.peer('n1').status.role !== 'leader')
    throw new Error('n1 was not deposed');
  return leader;
}

/** True for messages that cross the border between the named nodes and the rest. */
export function between(...group: readonly NodeId[]): (message: RaftMessage) => boolean {
  return (message) => group.includes(message.from) !== group.includes(message.to);
}
