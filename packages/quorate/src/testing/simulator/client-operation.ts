/**
 * One operation of a client, from its call to its end: what it asked for and what it was told. It is the record that
 * the oracle judges; it must never hold more than a client could know, apart from the floor at its call.
 */
import type { AvailableLevel } from '../../reads/levels.js';
import type { ApplicationRead } from './application.js';
import type { ClientProcess } from './client-node.js';
import type { ClientSession } from './client-session.js';

interface OperationBase {
  /** Counts up from 1 over all operations of a run. */
  readonly number: number;
  readonly node: string;
  readonly process: ClientProcess;
  /** Positions in the order of all calls and ends. `endedAt` is null while it is open. */
  readonly calledAt: number;
  endedAt: number | null;
  readonly timeoutMs: number;
  /** The process's own clock at the call, and what it had been held by then. */
  readonly calledMs: number;
  readonly heldMs: number;
  /** After how many milliseconds, by the process's own clock without held time, it has to be over. */
  dueMs: number;
  readonly controller: AbortController | null;
  readonly session: ClientSession | null;
  /** The newest index that any client had been told of at the call. */
  readonly floor: number;
}

/** `unknown`: also when its process died under it. */
export type WriteEnd<Result> =
  | { readonly kind: 'open' | 'unknown' }
  | { readonly kind: 'not-applied'; readonly code: string }
  | { readonly kind: 'acknowledged'; readonly index: number; readonly term: number; readonly result: Result };

export interface WriteOperation<Command, Result> extends OperationBase {
  readonly kind: 'write';
  readonly command: Command;
  readonly bytes: Uint8Array;
  readonly ifTerm: number | undefined;
  end: WriteEnd<Result>;
}

/** What the function of a read was given. */
export interface SeenView {
  readonly index: number;
  readonly term: number;
  readonly appliedIndex: number;
  /** What the function returned; undefined when it threw. */
  readonly value: unknown;
}

/** `failed`: without a result, for whatever reason. */
export type ReadEnd =
  | { readonly kind: 'open' | 'failed' }
  | { readonly kind: 'answered'; readonly appliedIndex: number; readonly value: unknown };

export interface ReadOperation<Tx> extends OperationBase {
  readonly kind: 'read';
  readonly read: ApplicationRead<Tx>;
  readonly level: AvailableLevel;
  readonly maxLag: number | undefined;
  /** The bound that it was given, with the position of the call that asked for it. */
  readonly bound: GivenBound | null;
  /** What its function throws, null when it answers. */
  readonly throws: Error | null;
  /** What its session had seen at the call. */
  readonly sessionIndex: number;
  seen: SeenView | null;
  end: ReadEnd;
}

export interface GivenBound {
  readonly index: number;
  readonly term: number;
  readonly source: string;
  readonly calledAt: number;
}

export interface BoundOperation extends OperationBase {
  readonly kind: 'bound';
  readonly maxLag: number | undefined;
  end: { readonly kind: 'open' | 'failed' } | { readonly kind: 'answered'; readonly index: number };
}

export type ClientOperation<Command, Result, Tx> = WriteOperation<Command, Result> | ReadOperation<Tx> | BoundOperation;
