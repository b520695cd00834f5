/**
 * The clients' side of a run: makes one operation at a time at a node, and judges what comes of it. Clients know what
 * nodes tell them, and never retry; nothing that a node answers may pass here without having been held against the
 * ledger.
 */

import type { RaftNode } from '../../engines/raft/raft-node.js';
import { ConsistentRead, invariant } from '../../errors/index.js';
import type { NodeStatus } from '../../node/index.js';
import type { AvailableLevel } from '../../reads/levels.js';
import type { ReadOptions } from '../../reads/read-options.js';
import type { Application } from './application.js';
import type { ClientNode, ClientProcess, ClientReader } from './client-node.js';
import type { BoundOperation, ClientOperation, GivenBound, ReadOperation, WriteOperation } from './client-operation.js';
import type { ClientSession } from './client-session.js';
import type { EventQueue } from './event-queue.js';
import { check, Violation } from './invariants/violation.js';
import { judgeBound, judgeBoundError } from './judge-bound.js';
import { judgeEnd, judgeOverdue, ownElapsedMs } from './judge-end.js';
import { judgeRead, judgeReadError } from './judge-read.js';
import { judgeTooFar, judgeWait, neededIndex } from './judge-wait.js';
import { judgeWrite, judgeWriteError } from './judge-write.js';
import type { Ledger } from './ledger.js';
import type { Prng } from './prng.js';
import { LINGER_MS } from './simulated-node.js';

export interface OperationsOptions<Command, Result, Tx> {
  readonly application: Application<Command, Result, Tx>;
  readonly ledger: Ledger;
  readonly queue: EventQueue;
  readonly random: Prng;
  /** Beyond 250 ms: how long after its deadline an operation may end, in ms of its node's own running time. */
  readonly graceMs?: number | undefined;
  /** What the node says of itself; null when nobody is there to be asked. */
  readonly statusOf: (node: string) => NodeStatus | null;
  /** The limit of reads that give none, in entries. */
  readonly maxLag: number;
  /** Throws a Violation unless a status is true. */
  readonly judgeStatus: (status: NodeStatus) => void;
  /** Adds a line to the trace. */
  readonly record: (line: string) => void;
  /** Counts what happened, by name. */
  readonly count: (name: string) => void;
  /** Gets whatever was found wrong after the call has returned. Operations themselves never reject. */
  readonly fail: (error: unknown) => void;
}

export interface OperationOptions {
  readonly timeoutMs: number;
  /** Aborts the call after this many virtual milliseconds, unless it is over by then. */
  readonly abortAfterMs?: number | undefined;
  /** Must not be busy. */
  readonly session?: ClientSession | undefined;
}

export interface WriteOptions extends OperationOptions {
  readonly ifTerm?: number | undefined;
}

export interface ReadCallOptions extends OperationOptions {
  readonly level: AvailableLevel;
  readonly maxLag?: number | undefined;
  /** The function of the read throws. Default false. */
  readonly throws?: boolean | undefined;
  /** For `linearizable` only: a bound that was given before. */
  readonly bound?: GivenBound | undefined;
}

export interface BoundOptions extends Omit<OperationOptions, 'session'> {
  readonly maxLag?: number | undefined;
}

/** How long the end of an operation may take after its deadline, in ms of its node's own running time. */
const GRACE_MS = 250;
/** A client that asks for something asks every so many times how the node is, too. */
const STATUS_EVERY = 4;
/** A process that is paused cannot abort its calls. */
const ABORT_AGAIN_MS = 50;

export class Operations<Command, Result, Tx> {
  readonly #options: OperationsOptions<Command, Result, Tx>;
  readonly #graceMs: number;
  readonly #encode: (command: Command) => Uint8Array;
  readonly #all: ClientOperation<Command, Result, Tx>[] = [];
  readonly #open = new Set<ClientOperation<Command, Result, Tx>>();
  /** How many of them each process has. */
  readonly #openAt = new WeakMap<ClientProcess, number>();
  /** Those that have reached their node; a process that cannot run has the rest in its sockets. */
  readonly #entered = new WeakSet<ClientOperation<Command, Result, Tx>>();
  /** The newest view that the readers of a process were shown. */
  readonly #newestView = new WeakMap<ClientProcess, number>();
  /** The highest bound that a process was given by its core. */
  readonly #newestBound = new WeakMap<ClientProcess, number>();
  #position = 0;

  constructor(options: OperationsOptions<Command, Result, Tx>) {
    this.#options = options;
    this.#graceMs = GRACE_MS + (options.graceMs ?? 0);
    const { codec } = options.application.createStateMachine();
    this.#encode = (command) => codec.encode(command);
  }

  /** Every operation of the run, in the order of the calls. */
  get all(): readonly ClientOperation<Command, Result, Tx>[] {
    return this.#all;
  }

  /** How many operations are not over. */
  get open(): number {
    return this.#open.size;
  }

  /** Proposes one command. Null when there is no process; one that is paused finds it in its socket. */
  write(node: ClientNode<Command, Result, Tx>, options: WriteOptions): WriteOperation<Command, Result> | null {
    const { raft, process } = node;
    if (raft === null || process === null || process.state === 'dead') return null;
    const { application, random } = this.#options;
    const base = this.#base(node.id, process, options);
    const command = application.drawWrite(random, base.number);
    const { ifTerm } = options;
    const operation: WriteOperation<Command, Result> = {
      ...base,
      ...{ kind: 'write', command, bytes: this.#encode(command), ifTerm, end: { kind: 'open' } },
    };
    const fence = ifTerm === undefined ? '' : ` in term ${ifTerm} only`;
    this.#begin(operation, `writes ${application.describe(command)} at ${node.id}${fence}`, options.abortAfterMs);
    void this.#write(raft, operation);
    return operation;
  }

  /** Makes one read. Null when there is no process; one that is paused finds it in its socket. */
  read(node: ClientNode<Command, Result, Tx>, options: ReadCallOptions): ReadOperation<Tx> | null {
    const { reader, process } = node;
    if (reader === null || process === null || process.state === 'dead') return null;
    const { application, random } = this.#options;
    const { level, maxLag, bound = null, session, throws } = options;
    const base = this.#base(node.id, process, options);
    const operation: ReadOperation<Tx> = {
      ...base,
      ...{ kind: 'read', read: application.drawRead(random), level, maxLag, bound, seen: null, end: { kind: 'open' } },
      throws: throws === true ? new Error(`thrown by the function of client ${base.number}`) : null,
      sessionIndex: session?.index ?? 0,
    };
    const how = bound === null ? level : `on the bound ${bound.index}`;
    this.#begin(operation, `reads ${operation.read.text} at ${node.id} (${how})`, options.abortAfterMs);
    void this.#read(reader, operation);
    return operation;
  }

  /** Waits until the node has caught up with its leader, then makes 1 to 3 reads on that bound. */
  boundThenReads(node: ClientNode<Command, Result, Tx>, options: BoundOptions): BoundOperation | null {
    const { reader, process } = node;
    if (reader === null || process === null || process.state === 'dead') return null;
    const base = this.#base(node.id, process, options);
    const operation: BoundOperation = { ...base, kind: 'bound', maxLag: options.maxLag, end: { kind: 'open' } };
    this.#begin(operation, `asks for a bound at ${node.id}`, options.abortAfterMs);
    void this.#bound(reader, operation, node, options);
    return operation;
  }

  /** The core of a process has given it a bound. */
  bounded(process: ClientProcess, index: number): void {
    this.#newestBound.set(process, Math.max(index, this.#newestBound.get(process) ?? 0));
  }

  /** Throws a Violation when a node that has closed has not answered all that had reached it (R5). */
  processClosed(process: ClientProcess): void {
    for (const operation of this.#open) {
      if (operation.process !== process || !this.#entered.has(operation)) continue;
      if (ownElapsedMs(operation) < LINGER_MS) continue;
      const { number, node, kind } = operation;
      throw new Violation('left behind', 'a node that closes ends every call (R5)', { client: number, node, kind });
    }
  }

  /** Its `state` is `dead` already: nobody hears what becomes of its open operations. */
  processDied(process: ClientProcess): void {
    for (const operation of this.#open) if (operation.process === process) this.#abandon(operation);
  }

  /** Throws a Violation when an operation should have ended by now. */
  checkOverdue(): void {
    for (const operation of this.#open) {
      if (operation.process.state === 'dead') this.#abandon(operation);
      else judgeOverdue(operation);
    }
  }

  #base(node: string, process: ClientProcess, { timeoutMs, abortAfterMs, session }: OperationOptions) {
    return {
      number: this.#all.length + 1,
      node,
      process,
      timeoutMs,
      session: session ?? null,
      calledAt: this.#nextPosition(),
      endedAt: null,
      dueMs: timeoutMs + this.#graceMs,
      calledMs: process.monotonicMs(),
      heldMs: process.heldMs,
      floor: this.#options.ledger.floor,
      controller: abortAfterMs === undefined ? null : new AbortController(),
    };
  }

  #begin(operation: ClientOperation<Command, Result, Tx>, text: string, abortAfterMs: number | undefined): void {
    const { session, number } = operation;
    this.#all.push(operation);
    this.#open.add(operation);
    this.#openAt.set(operation.process, (this.#openAt.get(operation.process) ?? 0) + 1);
    if (session !== null) {
      invariant(!session.busy, 'a session makes one operation at a time', { session: session.name });
      session.busy = true;
    }
    const whose = session === null ? '' : ` [${session.name}]`;
    this.#options.record(`client ${number}${whose} ${text}`);
    if (number % STATUS_EVERY === 0) this.#checkStatus(operation.node);
    if (abortAfterMs !== undefined) this.#abortAfter(operation, abortAfterMs);
  }

  #abortAfter(operation: ClientOperation<Command, Result, Tx>, delayMs: number): void {
    const { queue, count, record } = this.#options;
    queue.schedule(delayMs, () => {
      if (!this.#open.has(operation)) return;
      if (operation.process.state !== 'running') {
        this.#abortAfter(operation, ABORT_AGAIN_MS);
        return;
      }
      count('operation aborted');
      record(`client ${operation.number} aborts its ${operation.kind} at ${operation.node}`);
      operation.dueMs = Math.min(operation.dueMs, ownElapsedMs(operation) + this.#graceMs);
      operation.controller?.abort(new Error(`client ${operation.number} gave up`));
    });
  }

  #write(raft: RaftNode<Command, Result, Tx>, operation: WriteOperation<Command, Result>): Promise<void> {
    const { ledger, count, record } = this.#options;
    const { command, ifTerm, timeoutMs, controller, number, node, session } = operation;
    return this.#settle(
      operation,
      () => raft.propose(command, { ifTerm, timeoutMs, signal: controller?.signal }),
      (answer) => {
        const { index, term, result } = answer;
        operation.end = { kind: 'acknowledged', index, term, result };
        record(`client ${number} is told by ${node} that its write is applied at index ${index} of term ${term}`);
        count('write acknowledged');
        judgeWrite(operation, answer, ledger);
        ledger.floor = Math.max(ledger.floor, index);
        if (session !== null) carryOn(session, answer.token, index);
      },
      (error) => {
        const { outcome, code } = judgeWriteError(operation, error);
        operation.end = outcome === 'unknown' ? { kind: 'unknown' } : { kind: 'not-applied', code };
        const name = outcome === 'unknown' ? 'write unknown' : 'write not applied';
        record(`client ${number} is told by ${node} that its write is ${outcome} (${code})`);
        count(`${name}: ${code}`);
      },
    );
  }

  #read(reader: ClientReader<Tx>, operation: ReadOperation<Tx>): Promise<void> {
    const { ledger, count, record } = this.#options;
    const { read, level, timeoutMs, maxLag, bound, controller, session, number, node } = operation;
    const options: ReadOptions = {
      ...{ level, timeoutMs, maxLag, signal: controller?.signal, ...floorOf(operation) },
      ...(bound === null ? {} : { bound: { index: bound.index, term: bound.term, source: bound.source } }),
    };
    const kind = bound === null ? level : 'bound';
    return this.#settle(
      operation,
      () => reader.consistentRead((tx, view) => this.#runFunction(operation, tx, view), options),
      (answer) => {
        const { value, appliedIndex } = answer;
        operation.end = { kind: 'answered', appliedIndex, value };
        record(`client ${number} read ${read.text} = ${text(value)} at index ${appliedIndex} of ${node}`);
        count(`read ${kind}`);
        judgeRead(operation, answer, ledger);
        ledger.floor = Math.max(ledger.floor, appliedIndex);
        if (session !== null && level !== 'local') carryOn(session, answer.token, appliedIndex);
      },
      (error) => {
        operation.end = { kind: 'failed' };
        const code = judgeReadError(operation, error, ledger);
        record(`client ${number} did not read ${read.text} at ${node} (${code ?? 'its own function threw'})`);
        count(code === null ? 'read threw' : `read refused: ${code}`);
        if (operation.seen !== null) ledger.floor = Math.max(ledger.floor, operation.seen.appliedIndex);
      },
    );
  }

  /** What the function of a read does. A violation in it must not look like an error of the function's own. */
  #runFunction(operation: ReadOperation<Tx>, tx: Tx, view: { index: number; term: number; appliedIndex: number }) {
    const { process, number, throws } = operation;
    const { index, term, appliedIndex } = view;
    const value = throws === null ? this.#runApplication(operation, tx) : undefined;
    if (process.state !== 'dead') {
      const newest = this.#newestView.get(process) ?? 0;
      this.#newestView.set(process, Math.max(newest, appliedIndex));
      const context = { client: number, node: operation.node, appliedIndex, shownBefore: newest };
      this.#guard(() => {
        check(operation.seen === null, 'client oracle', 'the function of a read runs once', context);
        check(operation.end.kind === 'open', 'client oracle', 'no function runs after its read has ended', context);
        check(appliedIndex >= newest, 'view goes back', 'the views of one process never go back', context);
      });
    }
    operation.seen = { index, term, appliedIndex, value };
    if (throws !== null) throw throws;
    return value;
  }

  /** What a read of the application throws is a finding of its owner. */
  #runApplication({ read, number, node }: ReadOperation<Tx>, tx: Tx): unknown {
    try {
      return read.run(tx);
    } catch (error) {
      const context = { client: number, node, read: read.text, error: String(error) };
      this.#options.fail(new Violation('application', 'a read does not throw', context));
      throw error;
    }
  }

  #bound(
    reader: ClientReader<Tx>,
    operation: BoundOperation,
    node: ClientNode<Command, Result, Tx>,
    { timeoutMs, abortAfterMs }: BoundOptions,
  ): Promise<void> {
    const { ledger, count, record, random } = this.#options;
    const { maxLag, controller, number, calledAt } = operation;
    return this.#settle(
      operation,
      () => reader.waitLeaderCommitIndexApplied({ timeoutMs, maxLag, signal: controller?.signal }),
      (bound) => {
        operation.end = { kind: 'answered', index: bound.index };
        record(`client ${number} has the bound ${bound.index} of term ${bound.term} from ${node.id}`);
        count('bound');
        judgeBound(operation, bound, ledger);
        ledger.floor = Math.max(ledger.floor, bound.index);
        const reads = random.integer(1, 3);
        if (node.reader !== reader) return;
        for (let made = 0; made < reads; made += 1) {
          this.read(node, { level: 'linearizable', timeoutMs, abortAfterMs, bound: { ...bound, calledAt } });
        }
      },
      (error) => {
        operation.end = { kind: 'failed' };
        const code = judgeBoundError(operation, error);
        record(`client ${number} has no bound from ${node.id} (${code})`);
        count(`bound refused: ${code}`);
      },
    );
  }

  /** Calls, waits, and hands on what came of it, unless the process died. What is found wrong goes to `fail`. */
  async #settle<Answer>(
    operation: ClientOperation<Command, Result, Tx>,
    call: () => Promise<Answer>,
    answered: (answer: Answer) => void,
    refused: (error: unknown) => void,
  ): Promise<void> {
    let judge: () => void;
    try {
      await new Promise<void>((resolve) => operation.process.input(`client ${operation.number}`, resolve));
      this.#entered.add(operation);
      const judgeLag = this.#judgeOfLag(operation);
      const answer = await call();
      judge = () => {
        answered(answer);
        judgeLag();
      };
    } catch (error) {
      judge = () => {
        refused(error);
        this.#checkWaiting(operation, error);
      };
    }
    if (!this.#open.has(operation)) return;
    if (operation.process.state === 'dead') {
      this.#abandon(operation);
      return;
    }
    this.#close(operation);
    this.#guard(() => {
      judge();
      judgeEnd(operation);
    });
  }

  /** What is known as the operation comes in of how far behind its node is, for when it is answered. */
  #judgeOfLag(operation: ClientOperation<Command, Result, Tx>): () => void {
    if (operation.kind !== 'read') return () => {};
    const needed = neededIndex(operation);
    const applied = needed === null ? undefined : this.#options.statusOf(operation.node)?.applied;
    if (needed === null || applied === undefined) return () => {};
    return () => judgeTooFar(operation, { needed, applied, defaultMaxLag: this.#options.maxLag });
  }

  #checkStatus(node: string): void {
    const { statusOf, judgeStatus } = this.#options;
    const status = statusOf(node);
    if (status !== null) this.#guard(() => judgeStatus(status));
  }

  /** A node holds nothing for calls that are over (R9), and let none wait for what was there (R6). */
  #checkWaiting(operation: ClientOperation<Command, Result, Tx>, error: unknown): void {
    const { process, node, number } = operation;
    const status = this.#options.statusOf(node);
    if (status === null) return;
    const open = this.#openAt.get(process) ?? 0;
    const { waiting, applied } = status;
    const context = { client: number, node, waiting, open };
    check(waiting <= open, 'left behind', 'a node has no more waiting than it was asked for (R9)', context);
    const cause = error instanceof ConsistentRead ? error.cause : error;
    const newestBound = this.#newestBound.get(process) ?? 0;
    if (operation.kind !== 'write') judgeWait(operation, cause, { applied, newestBound });
  }

  #guard(judge: () => void): void {
    try {
      judge();
    } catch (error) {
      this.#options.fail(error);
    }
  }

  #abandon(operation: ClientOperation<Command, Result, Tx>): void {
    const { record, count } = this.#options;
    const { kind, number, node } = operation;
    this.#close(operation);
    operation.end = { kind: kind === 'write' ? 'unknown' : 'failed' } as typeof operation.end;
    record(`client ${number} hears nothing of its ${kind}: the process of ${node} died`);
    count(`${kind} lost with its process`);
  }

  #close(operation: ClientOperation<Command, Result, Tx>): void {
    this.#open.delete(operation);
    this.#openAt.set(operation.process, (this.#openAt.get(operation.process) ?? 0) - 1);
    operation.endedAt = this.#nextPosition();
    if (operation.session !== null) operation.session.busy = false;
  }

  #nextPosition(): number {
    this.#position += 1;
    return this.#position;
  }
}

/** What the read has to contain, apart from its level. A session that has seen nothing says so. */
function floorOf({ level, session }: { level: AvailableLevel; session: ClientSession | null }): ReadOptions {
  if (level === 'local') return {};
  if (session !== null && session.token !== null) {
    // What a session has seen can be said in two ways.
    return session.index % 3 === 0 ? { minIndex: session.index } : { token: session.token };
  }
  return level === 'session' ? { minIndex: 0 } : {};
}

function carryOn(session: ClientSession, token: string, index: number): void {
  session.token = token;
  session.index = index;
}

function text(value: unknown): string {
  const shown = JSON.stringify(value) ?? String(value);
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}
