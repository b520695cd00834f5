/**
 * What the simulated cluster replicates, and what its clients do with it: the place where users put in a state machine
 * of their own. It must draw from the given generator alone, or a failing seed cannot be run again.
 */
import type { StateMachine } from '../../node/index.js';
import type { OperationName } from '../history/index.js';
import type { Prng } from './prng.js';

/** A read that clients make at any node and any level. */
export interface ApplicationRead<Tx> {
  /** What is read, for the trace: `k3`. */
  readonly text: string;
  /** Synchronous. The value is compared by content with the one that a replay of the log shows. */
  run(tx: Tx): unknown;
}

/** One operation as a history has it. */
export interface HistoryStep {
  readonly f: OperationName;
  readonly key: string;
  /** Of a write: what the call says. Of a read: what was read. */
  readonly value: unknown;
  /** A compare-and-set whose comparison failed. Default false. */
  readonly mismatch?: boolean;
}

/** One object serves one run: it may remember what it drew, and the next run must not find that. */
export interface Application<Command = unknown, Result = unknown, Tx = unknown> {
  /** A state machine as it is before the first entry; one for each start of a node, and one for the replay. */
  createStateMachine(): StateMachine<Command, Result, Tx>;
  /** `unique` differs from call to call, and has to be part of the command: no two may have the same bytes. */
  drawWrite(random: Prng, unique: number): Command;
  drawRead(random: Prng): ApplicationRead<Tx>;
  /** For the trace. */
  describe(command: Command): string;
  /** Equal states have equal texts, and others have not. */
  fingerprint?(tx: Tx): string;
  /** With {@link readEvent}: the operations go through the checker of histories, as compare-and-set registers. */
  writeEvent?(command: Command, result: Result | null): HistoryStep;
  readEvent?(read: ApplicationRead<Tx>, value: unknown): HistoryStep;
}
