/**
 * Who a node is: its name, the random incarnation of its data directory, and the first configuration of its cluster. A
 * voter is (name, incarnation), so that an emptied disk is never taken for the one that voted. See docs/decisions on
 * identity.
 */
import { createHash } from 'node:crypto';
import type { LogStart } from '../core/index.js';

/** Version of the handshake and of the frames after it. Nodes of different versions refuse each other. */
export const PROTOCOL_VERSION = 1;

export interface Member {
  readonly id: string;
  /** 16 random bytes in hexadecimal, made once when the data directory was created. */
  readonly incarnation: string;
}

/** The snapshot that the history of a restored directory begins with. */
export interface Beginning extends LogStart {
  /** SHA-256 of its file, hexadecimal. */
  readonly checksum: string;
}

/** What all listed nodes agreed on, and every one of them persisted, before any election. */
export interface Formation {
  /** The human name given with `--cluster`. */
  readonly cluster: string;
  /** Hash of `cluster`, `members` and what the history begins with, hexadecimal: the cluster id. */
  readonly clusterId: string;
  /** Sorted by id. */
  readonly members: readonly Member[];
}

/** What a node says of itself at the start of every connection. */
export interface Hello {
  readonly version: number;
  readonly cluster: string;
  readonly id: string;
  readonly incarnation: string;
  /** Random number of this process (48 bits), new at every start. */
  readonly bootId: number;
  /** Advertised HTTP address, null when it has none. */
  readonly url: string | null;
  /** The names in its list of peers, itself included, sorted. */
  readonly peers: readonly string[];
  /** Null until its formation is complete and durable. */
  readonly formation: Formation | null;
  /** What its directory was restored from; null when it began empty. */
  readonly beginning: Beginning | null;
}

/** The formation of these members; the same on every node, in whatever order it met them. */
export function formationOf(
  cluster: string,
  members: readonly Member[],
  beginning: Beginning | null = null,
): Formation {
  const sorted = members.map(({ id, incarnation }) => ({ id, incarnation })).sort(byId);
  return { cluster, clusterId: clusterIdOf(cluster, sorted, beginning), members: sorted };
}

export function isSameBeginning(a: Beginning | null, b: Beginning | null): boolean {
  if (a === null || b === null) return a === b;
  const sameEntry = a.index === b.index && a.term === b.term && a.timestampMs === b.timestampMs;
  return sameEntry && a.checksum === b.checksum;
}

/** SHA-256 over an encoding in which no two formations look alike: JSON of plain lists of texts, after a version. */
function clusterIdOf(cluster: string, sorted: readonly Member[], beginning: Beginning | null): string {
  const members = sorted.map(({ id, incarnation }) => [id, incarnation]);
  const restored =
    beginning === null ? [] : [[beginning.index, beginning.term, beginning.timestampMs, beginning.checksum]];
  const canonical = JSON.stringify(['quorate-formation-1', cluster, members, ...restored]);
  return createHash('sha256').update(canonical).digest('hex');
}

/** The sentence of the design, wherever a disk is not the one that is known. */
export function knownWithAnotherDisk(id: string): string {
  return `${id} is known with another disk; remove it and join under a new name`;
}

export function memberNamed(formation: Formation, id: string): Member | undefined {
  return formation.members.find((member) => member.id === id);
}

function byId(a: Member, b: Member): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
