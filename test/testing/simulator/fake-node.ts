/**
 * A node that answers what a test wants, with a ledger that it fills itself. It must never judge anything: that is what
 * is under test.
 */
import type { Entry } from '../../../packages/quorate/src/core/index.js';
import type { RaftNode } from '../../../packages/quorate/src/engines/raft/index.js';
import type { NodeStatus } from '../../../packages/quorate/src/node/index.js';
import { encodeToken, type ReadOptions, type ReadResult } from '../../../packages/quorate/src/reads/index.js';
import type { ClientNode } from '../../../packages/quorate/src/testing/simulator/client-node.js';
import { EventQueue } from '../../../packages/quorate/src/testing/simulator/event-queue.js';
import { Ledger } from '../../../packages/quorate/src/testing/simulator/ledger.js';
import { Operations } from '../../../packages/quorate/src/testing/simulator/operations.js';
import { Prng } from '../../../packages/quorate/src/testing/simulator/prng.js';
import {
  RegisterApplication,
  type RegisterCommand,
  type RegisterResult,
  type Registers,
} from '../../../packages/quorate/src/testing/simulator/register-application.js';

type Node = RaftNode<RegisterCommand, RegisterResult, Registers>;
type Read = (fn: Parameters<Node['read']>[0], options: ReadOptions) => Promise<ReadResult<unknown>>;

export function fakeWorld() {
  const application = new RegisterApplication({ keys: 1 });
  const machine = application.createStateMachine();
  const configuration = { voters: ['n1'], outgoing: [], learners: [] };
  const ledger = new Ledger(configuration as unknown as Ledger['configuration'], new Map());
  // Term 1 has been there from the beginning.
  ledger.firstIndexOf.set(1, 0);
  const queue = new EventQueue();
  const failures: unknown[] = [];
  const lines: string[] = [];
  const counts = new Map<string, number>();
  const operations = new Operations({
    ...{ application, ledger, queue, random: new Prng(7) },
    statusOf: () => behaviour.status,
    maxLag: Number.POSITIVE_INFINITY,
    judgeStatus: () => {},
    record: (line) => lines.push(line),
    count: (name) => counts.set(name, (counts.get(name) ?? 0) + 1),
    fail: (error) => failures.push(error),
  });
  const process = {
    state: 'running' as 'running' | 'paused' | 'dead',
    heldMs: 0,
    monotonicMs: () => queue.nowMs,
    input: (_socket: string, run: () => void) => run(),
  };
  const source = 'cluster';
  const commit = (command: RegisterCommand): Awaited<ReturnType<Node['propose']>> => {
    const index = ledger.committed.length + 1;
    const data = machine.codec.encode(command);
    const entry: Entry = { index, term: 1, kind: 'command', timestampMs: 0, proposal: null, data };
    ledger.committed.push(entry);
    const [result] = machine.apply([{ ...entry, command: data }]);
    return { index, term: 1, result: result as RegisterResult, token: encodeToken({ source, index, term: 1 }) };
  };
  /** Reads the newest state, and says that it is at `index`. */
  const answer = (fn: Parameters<Read>[0], options: ReadOptions, index: number, appliedIndex = index) => {
    const level = options.level ?? 'linearizable';
    const view = { index, term: 1, appliedIndex, source, exact: true };
    const value = machine.read((tx) => fn(tx, view as Parameters<typeof fn>[1]));
    const token = encodeToken({ source, index: appliedIndex, term: 1 });
    const waited = { boundMs: 0, applyMs: 0 };
    return { value, index, term: 1, appliedIndex, level, servedBy: 'n1', role: 'leader', token, waited };
  };
  const behaviour = {
    propose: async (command: RegisterCommand, _call: object) => commit(command),
    read: (async (fn, options) => answer(fn, options, ledger.committed.length)) as Read,
    status: null as NodeStatus | null,
  };
  const raft = {
    propose: (command: RegisterCommand, call: object) => behaviour.propose(command, call),
    read: (fn: Parameters<Read>[0], options: ReadOptions) => behaviour.read(fn, options),
    stateReader: {
      waitLeaderCommitIndexApplied: async () => ({ index: ledger.committed.length, term: 1, source }),
    },
  } as unknown as Node;
  const reader = { ...raft.stateReader, consistentRead: raft.read } as Node['stateReader'];
  const node: ClientNode<RegisterCommand, RegisterResult, Registers> = { id: 'n1', raft, reader, process };
  return { application, ledger, queue, operations, failures, lines, counts, process, node, commit, answer, behaviour };
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
