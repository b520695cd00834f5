/**
 * Who a node is: its name, the random incarnation of its data directory, and the first configuration of its cluster. A voter is
 * (name, incarnation), so that an emptied disk is never taken for the one that voted. See docs/decisions on identity.
 */

/** Version of the handshake and of the frames after it. Nodes of different versions refuse each other. */
export const PROTOCOL_VERSION = 1;

export interface Member {
  readonly id: string;
  /** 16 random bytes in hexadecimal, made once when the data directory was created. */
  readonly incarnation: string;
}

/** What all listed nodes agreed on, and every one of them persisted, before any election. */
export interface Formation {
  /** The human name given with `--cluster`. */
  readonly cluster: string;
  /** Hash of `cluster` and `members`, hexadecimal: the cluster id. */
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
}
