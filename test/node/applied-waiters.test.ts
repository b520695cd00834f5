/** Waiters for the applied index: who is woken, who is not, and that nothing stays behind. */
import { describe, expect, it } from 'vitest';
import { AppliedWaiters } from '../../packages/quorate/src/node/applied-waiters.js';

const never = new AbortController().signal;

describe('waiters for the applied index', () => {
  it('are woken when the index is reached, in any order of arrival, and not before', async () => {
    const waiters = new AppliedWaiters(10);
    const woken: number[] = [];
    const all = [7, 3, 5, 3].map((index) => waiters.wait(index, never).then(() => woken.push(index)));
    waiters.wake(2);
    await Promise.resolve();
    expect(woken).toEqual([]);
    waiters.wake(5);
    await Promise.all(all.slice(1));
    expect(woken.sort()).toEqual([3, 3, 5]);
    expect(waiters.size).toBe(1);
    waiters.wake(100);
    await Promise.all(all);
    expect(waiters.size).toBe(0);
  });

  it('leave nothing behind when their caller gives up', async () => {
    const waiters = new AppliedWaiters(10);
    const controller = new AbortController();
    const waiting = waiters.wait(3, controller.signal);
    const other = waiters.wait(3, never);
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(waiters.size).toBe(1);
    waiters.wake(3);
    await other;
  });

  it('refuse a caller that has given up already', async () => {
    const waiters = new AppliedWaiters(10);
    await expect(waiters.wait(3, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    expect(waiters.size).toBe(0);
  });

  it('refuse one more than the limit with a typed error', async () => {
    const waiters = new AppliedWaiters(1);
    const first = waiters.wait(1, never);
    await expect(waiters.wait(1, never)).rejects.toMatchObject({ code: 'Overloaded', limit: 1 });
    waiters.wake(1);
    await first;
  });

  it('all fail when nothing will be applied any more', async () => {
    const waiters = new AppliedWaiters(10);
    const all = [1, 2].map((index) => waiters.wait(index, never));
    waiters.fail(new Error('stopped'));
    for (const waiting of all) await expect(waiting).rejects.toThrow('stopped');
    expect(waiters.size).toBe(0);
  });
});
