/**
 * The state machine as what is read: view and check are one step (R7), and a restore to an older state is seen on the
 * view.
 */
import { describe, expect, it } from 'vitest';
import { RaftFsm } from '../../../packages/quorate/src/engines/raft/raft-fsm.js';
import { AppliedWaiters } from '../../../packages/quorate/src/node/applied-waiters.js';
import type { Node } from '../../../packages/quorate/src/node/node.js';
import type { StateMachine } from '../../../packages/quorate/src/node/state-machine/state-machine.js';

const bound = { index: 7, term: 2, source: 'cluster' };
const limits = { signal: new AbortController().signal, maxLag: 100 };

/** A machine whose index a test sets, as a restore would, under a node that runs. */
function setUp(appliedIndex: number) {
  const machine = {
    appliedIndex,
    appliedTerm: 2,
    read: <R>(fn: (tx: string, view: { appliedIndex: number; appliedTerm: number }) => R) =>
      fn(`state at ${machine.appliedIndex}`, machine),
  };
  const waiters = new AppliedWaiters(10);
  const running = { waiters, isInstalling: false, assertRunning: () => {} };
  const node = { id: 'n2', clusterId: 'cluster', role: 'follower', leader: { id: 'n1', url: null }, running };
  const fsm = new RaftFsm(node as unknown as Node<unknown>, machine as unknown as StateMachine<never, unknown, string>);
  return { fsm, machine, waiters, running };
}

describe('the state of an embedded node', () => {
  it('is not shown when it was replaced by one below the bound after the wait', async () => {
    const { fsm, machine } = setUp(7);
    await fsm.waitApplied(bound, limits);
    machine.appliedIndex = 5;
    let ran = false;
    const read = fsm.read(
      bound,
      () => {
        ran = true;
      },
      limits,
    );
    await expect(read).rejects.toMatchObject({ code: 'Aborted', required: 7, applied: 5 });
    expect(ran).toBe(false);
  });

  it('is shown with the index of the very view', async () => {
    const { fsm } = setUp(9);
    expect(await fsm.read(bound, (tx, view) => [tx, view], limits)).toEqual([
      'state at 9',
      { appliedIndex: 9, exact: true },
    ]);
  });

  it('is waited for until its readers see the bound', async () => {
    const { fsm, machine, waiters } = setUp(6);
    let reached = false;
    const waiting = fsm.waitApplied(bound, limits).then(() => {
      reached = true;
    });
    await Promise.resolve();
    expect(reached).toBe(false);
    machine.appliedIndex = 7;
    waiters.wake(7);
    await waiting;
  });

  it('is too far behind for a caller who says so, and tells where to go', async () => {
    const { fsm, waiters } = setUp(1);
    const waiting = fsm.waitApplied(bound, { ...limits, maxLag: 5 });
    await expect(waiting).rejects.toMatchObject({
      code: 'LagBehind',
      required: 7,
      applied: 1,
      limit: 5,
      leader: { id: 'n1' },
    });
    expect(waiters.size).toBe(0);
  });

  it('will never have it when another state is about to take its place, and says so (R8)', async () => {
    const { fsm, running } = setUp(1);
    running.isInstalling = true;
    const waiting = fsm.waitApplied(bound, { ...limits, maxLag: 5 });
    await expect(waiting).rejects.toMatchObject({ code: 'SnapshotInstalling', leader: { id: 'n1' } });
    await fsm.waitApplied({ ...bound, index: 1 }, limits);
  });

  it('is not measured against a bound of another cluster', async () => {
    const { fsm } = setUp(9);
    await expect(fsm.waitApplied({ ...bound, source: 'other' }, limits)).rejects.toMatchObject({
      code: 'TokenMismatch',
    });
  });
});
