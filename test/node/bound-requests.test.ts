/** What a node makes of the bounds it has asked for. */
import { describe, expect, it } from 'vitest';
import { BoundRequests } from '../../packages/quorate/src/node/bound-requests.js';

const prepare = () => {
  const requests = new BoundRequests({ limit: 8, leader: () => null });
  const started: number[] = [];
  const flushAt = (nowMs: number) => requests.flush((read) => started.push(read), nowMs);
  return { requests, started, flushAt };
};
const never = new AbortController().signal;

describe('a bound', () => {
  it('is as old as the question, however late the answer comes', async () => {
    const { requests, started, flushAt } = prepare();
    const bound = requests.ask(never, () => {});
    flushAt(100);
    requests.ended({ read: started[0] as number, ok: true, index: 7, term: 2 });
    expect(await bound).toEqual({ index: 7, term: 2, askedAtMs: 100 });
  });

  it('is as old as the question that was answered, when one before it found no leader', async () => {
    const { requests, started, flushAt } = prepare();
    const bound = requests.ask(never, () => {});
    flushAt(100);
    requests.ended({ read: started[0] as number, ok: false, reason: 'no-leader' });
    flushAt(200);
    requests.ended({ read: started[1] as number, ok: true, index: 7, term: 3 });
    expect(await bound).toMatchObject({ askedAtMs: 200 });
  });
});
