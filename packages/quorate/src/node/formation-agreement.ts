/**
 * How the first configuration of a cluster comes about, as one node that is not formed yet sees it. Pure: it is fed
 * with hellos. It must never complete a formation that any listed node has not taken part in with the disk it has now.
 */
import { IdentityMismatch, InvalidArgument } from '../errors/index.js';
import {
  type Formation,
  formationOf,
  type Hello,
  isSameBeginning,
  knownWithAnotherDisk,
  memberNamed,
} from './identity.js';

/** How far the agreement is. `formed` and `refused` are final for this process. */
export type FormationState =
  /** These nodes have not answered yet. */
  | { readonly name: 'waiting'; readonly missing: readonly string[] }
  /** To be made durable before anything else happens. */
  | { readonly name: 'formed'; readonly formation: Formation }
  /** The node cannot take part; its process has to end with this. */
  | { readonly name: 'refused'; readonly error: IdentityMismatch };

/** The agreement as one unformed node sees it. Once it is formed or refused, nothing changes it any more. */
export class FormationAgreement {
  readonly #own: Hello;
  /** The latest hello of each listed node that is as unformed as we are, this node included. */
  readonly #unformed = new Map<string, Hello>();
  #state: FormationState;

  /**
   * `own` is what this node says of itself; its formation must be null. Throws {@link InvalidArgument} on a wrong list.
   */
  constructor(own: Hello) {
    checkPeers(own);
    this.#own = own;
    this.#unformed.set(own.id, own);
    this.#state = this.#count();
  }

  get state(): FormationState {
    return this.#state;
  }

  /**
   * Takes in what a listed node says of itself now; it replaces what it said before. Hellos of others change nothing.
   */
  receive(hello: Hello): FormationState {
    if (this.#state.name !== 'waiting' || hello.id === this.#own.id || !this.#own.peers.includes(hello.id)) {
      return this.#state;
    }
    const disagreement = disagreementOn(this.#own, hello);
    if (disagreement !== null) {
      this.#state = { name: 'refused', error: new IdentityMismatch(disagreement) };
    } else if (hello.formation !== null) {
      // It completed with us in it, and we were stopped before we could store that.
      const { cluster, members } = hello.formation;
      this.#state = { name: 'formed', formation: formationOf(cluster, members, this.#own.beginning) };
    } else {
      this.#unformed.set(hello.id, hello);
      this.#state = this.#count();
    }
    return this.#state;
  }

  #count(): FormationState {
    const missing = this.#own.peers.filter((peer) => !this.#unformed.has(peer)).sort();
    if (missing.length > 0) return { name: 'waiting', missing };
    const members = [...this.#unformed.values()].map(({ id, incarnation }) => ({ id, incarnation }));
    return { name: 'formed', formation: formationOf(this.#own.cluster, members, this.#own.beginning) };
  }
}

/** Why these two can never be of one formation, one sentence with the remedy, or null. */
function disagreementOn(own: Hello, peer: Hello): string | null {
  const cluster = peer.formation?.cluster ?? peer.cluster;
  if (cluster !== own.cluster) {
    return (
      `${peer.id} belongs to cluster ${JSON.stringify(cluster)} and ${own.id} is started for ` +
      `${JSON.stringify(own.cluster)}: give every node the same cluster name, or correct the address of ${peer.id}`
    );
  }
  if (peer.formation === null) {
    if (!sameNames(own.peers, peer.peers)) return otherList(own, peer.id, peer.peers);
    return isSameBeginning(own.beginning, peer.beginning) ? null : otherBeginning(own, peer);
  }
  return disagreementWithFormed(own, peer, peer.formation);
}

function disagreementWithFormed(own: Hello, peer: Hello, formation: Formation): string | null {
  const names = formation.members.map((member) => member.id);
  const ownMember = memberNamed(formation, own.id);
  if (ownMember === undefined) {
    return (
      `${own.id} is not a member of the cluster that ${peer.id} has formed with ${list(names)}: ` +
      'let it join that cluster as a new member, or correct its list of peers'
    );
  }
  if (ownMember.incarnation !== own.incarnation) {
    return `${knownWithAnotherDisk(own.id)} (${peer.id} has formed its cluster with the former disk of ${own.id})`;
  }
  if (memberNamed(formation, peer.id)?.incarnation !== peer.incarnation) {
    return `${knownWithAnotherDisk(peer.id)} (it holds a formation of which it is no member itself)`;
  }
  if (!isSameBeginning(own.beginning, peer.beginning)) return otherBeginning(own, peer);
  if (formationOf(formation.cluster, formation.members, peer.beginning).clusterId !== formation.clusterId) {
    return `${peer.id} states a formation that does not match its cluster id: check the data directory of ${peer.id}`;
  }
  return sameNames(own.peers, names) ? null : otherList(own, peer.id, names);
}

function otherList(own: Hello, peer: string, peers: readonly string[]): string {
  return (
    `the lists of peers differ: ${own.id} has ${list(own.peers)}, ${peer} has ${list(peers)}; ` +
    'start every node with the same list'
  );
}

/** An empty directory that voted could outvote those that have the state. */
function otherBeginning(own: Hello, peer: Hello): string {
  return (
    `${own.id} ${beginningOf(own)} and ${peer.id} ${beginningOf(peer)}: ` +
    'restore the same file into a new directory for each of the nodes'
  );
}

function beginningOf({ beginning }: Hello): string {
  if (beginning === null) return 'is empty';
  return `was restored from a snapshot at index ${beginning.index} (SHA-256 ${beginning.checksum.slice(0, 12)})`;
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  const sortedB = [...b].sort();
  return a.length === b.length && [...a].sort().every((name, place) => name === sortedB[place]);
}

function list(names: readonly string[]): string {
  return [...names].sort().join(', ');
}

function checkPeers(own: Hello): void {
  if (own.formation !== null) {
    throw new InvalidArgument({ field: 'formation', expected: 'null before the formation', received: 'a formation' });
  }
  if (!own.peers.includes(own.id) || new Set(own.peers).size !== own.peers.length) {
    const expected = `a list of different names, ${own.id} among them`;
    throw new InvalidArgument({ field: 'peers', expected, received: list(own.peers) });
  }
}
