/** Writes under way: what settles them, with which outcome, and that nothing stays behind. */
import { describe, expect, it } from 'vitest';
import type { Entry, Proposal } from '../../packages/quorate/src/core/index.js';
import { Proposals } from '../../packages/quorate/src/node/proposals.js';
import { ManualClock } from '../support/manual-clock.js';

const ORIGIN = 77;
const DATA = new Uint8Array([1]);

function setUp(leader: { id: string; url: null } | null = { id: 'n1', url: null }, maxBytes = 100_000_000) {
  const clock = new ManualClock();
  const proposals = new Proposals<string>({ origin: ORIGIN, clock, maxBytes, termWaitMs: 500, leader: () => leader });
  const sent: { proposals: readonly Proposal[]; ifTerm: number | undefined }[] = [];
  const flush = (term: number) => proposals.flush(term, (batch, ifTerm) => sent.push({ proposals: batch, ifTerm }));
  const idOf = (batch: number) => (sent[batch] as (typeof sent)[number]).proposals[0]?.id as Proposal['id'];
  return { clock, proposals, sent, flush, idOf };
}

function entry(index: number, term: number, proposal: Entry['proposal']): Entry {
  return { index, term, kind: proposal === null ? 'no-op' : 'command', timestampMs: 0, proposal, data: DATA };
}

const limits = { timeoutMs: 1_000 };

describe('a write under way', () => {
  it('is settled by its own entry with the result of the state machine', async () => {
    const { clock, proposals, flush, idOf } = setUp();
    const applied = proposals.submit(DATA, limits);
    flush(3);
    proposals.applied(entry(9, 3, idOf(0)), 'done');
    expect(await applied).toEqual({ index: 9, term: 3, result: 'done' });
    expect([proposals.size, clock.timers]).toEqual([0, 0]);
  });

  it('is not settled by an entry of another process with the same number', async () => {
    const { proposals, flush, idOf } = setUp();
    const applied = proposals.submit(DATA, limits);
    flush(3);
    proposals.applied(entry(9, 3, { ...idOf(0), origin: ORIGIN + 1 }), 'of another');
    expect(proposals.size).toBe(1);
    proposals.applied(entry(10, 3, idOf(0)), 'own');
    expect((await applied).result).toBe('own');
  });

  it('is proposed again under a fresh number once an entry of a later term shows that it was superseded', async () => {
    const { proposals, sent, flush, idOf } = setUp();
    const applied = proposals.submit(DATA, limits);
    flush(3);
    proposals.applied(entry(9, 4, null), null);
    flush(4);
    expect(sent).toHaveLength(2);
    expect(idOf(1)).not.toEqual(idOf(0));
    proposals.applied(entry(10, 4, idOf(1)), 'second');
    expect((await applied).index).toBe(10);
  });

  it('is not taken for superseded by an entry of its own term or of one before', async () => {
    const { proposals, sent, flush, idOf } = setUp();
    const applied = proposals.submit(DATA, limits);
    flush(3);
    proposals.applied(entry(8, 2, null), null);
    proposals.applied(entry(9, 3, null), null);
    flush(3);
    expect(sent).toHaveLength(1);
    proposals.applied(entry(10, 3, idOf(0)), 'late');
    expect((await applied).index).toBe(10);
  });

  it('is dropped with TermChanged when it is fenced and superseded', async () => {
    const { proposals, flush } = setUp();
    const applied = proposals.submit(DATA, { ...limits, ifTerm: 3 });
    flush(3);
    proposals.applied(entry(9, 4, null), null);
    await expect(applied).rejects.toMatchObject({
      code: 'TermChanged',
      expected: 3,
      actual: 4,
      outcome: 'not-applied',
    });
  });

  it('is dropped with TermChanged when it is fenced and the leader is of another term', async () => {
    const { proposals, flush, idOf } = setUp();
    const applied = proposals.submit(DATA, { ...limits, ifTerm: 3 });
    flush(5);
    proposals.rejected({ ids: [idOf(0)], reason: 'term-changed', term: 5 });
    await expect(applied).rejects.toMatchObject({
      code: 'TermChanged',
      expected: 3,
      actual: 5,
      outcome: 'not-applied',
    });
  });

  it('has an unknown outcome when the time is over after it was sent', async () => {
    const { clock, proposals, flush } = setUp();
    const applied = proposals.submit(DATA, limits);
    flush(3);
    clock.advance(1_000);
    await expect(applied).rejects.toMatchObject({ code: 'Timeout', outcome: 'unknown' });
    expect(proposals.size).toBe(0);
  });

  it('is not applied, for want of a leader, when the time is over before it was sent', async () => {
    const { clock, proposals } = setUp(null);
    const applied = proposals.submit(DATA, limits);
    clock.advance(1_000);
    await expect(applied).rejects.toMatchObject({ code: 'NoLeader', outcome: 'not-applied' });
  });

  it('says that a transfer was in progress when it was refused for that until the end', async () => {
    const { clock, proposals, flush, idOf } = setUp();
    const applied = proposals.submit(DATA, limits);
    flush(3);
    proposals.rejected({ ids: [idOf(0)], reason: 'transfer-in-progress', term: 3 });
    clock.advance(1_000);
    await expect(applied).rejects.toMatchObject({ code: 'TransferInProgress', outcome: 'not-applied' });
  });

  it('is sent again after a refusal, but only at the next chance', async () => {
    const { proposals, sent, flush, idOf } = setUp();
    const applied = proposals.submit(DATA, limits);
    flush(3);
    proposals.rejected({ ids: [idOf(0)], reason: 'not-leader', term: 3 });
    flush(3);
    expect(sent).toHaveLength(1);
    proposals.retryDeferred();
    flush(4);
    proposals.applied(entry(5, 4, idOf(1)), 'ok');
    expect((await applied).term).toBe(4);
  });

  it('tells the caller who aborts whether it may have been applied', async () => {
    const { clock, proposals, flush } = setUp();
    const [early, late] = [new AbortController(), new AbortController()];
    const notSent = proposals.submit(DATA, { ...limits, signal: early.signal });
    early.abort();
    await expect(notSent).rejects.toMatchObject({ code: 'Canceled', outcome: 'not-applied' });
    const wasSent = proposals.submit(DATA, { ...limits, signal: late.signal });
    flush(1);
    late.abort();
    await expect(wasSent).rejects.toMatchObject({ code: 'Canceled', outcome: 'unknown' });
    expect([proposals.size, clock.timers]).toEqual([0, 0]);
  });

  it('is refused when the bytes under way are at their limit, and has room again when others have ended', async () => {
    const { proposals, flush, idOf } = setUp(undefined, 100);
    const first = proposals.submit(new Uint8Array(8), limits);
    await expect(proposals.submit(new Uint8Array(8), limits)).rejects.toMatchObject({
      code: 'Overloaded',
      outcome: 'not-applied',
    });
    flush(1);
    proposals.applied(entry(1, 1, idOf(0)), 'ok');
    await first;
    const second = proposals.submit(new Uint8Array(8), limits);
    expect(proposals.size).toBe(1);
    proposals.stop(null);
    await expect(second).rejects.toMatchObject({ code: 'Stopped', outcome: 'not-applied' });
  });

  it('has an unknown outcome when the node stops after it was sent', async () => {
    const { clock, proposals, flush } = setUp();
    const applied = proposals.submit(DATA, limits);
    flush(1);
    proposals.stop(new Error('disk'));
    await expect(applied).rejects.toMatchObject({ code: 'Stopped', outcome: 'unknown' });
    expect(clock.timers).toBe(0);
  });

  it('waits when it is fenced to a term that has not been heard of here yet', async () => {
    const { proposals, sent, flush, idOf } = setUp();
    const applied = proposals.submit(DATA, { ...limits, ifTerm: 7 });
    flush(6);
    expect(sent).toHaveLength(0);
    flush(7);
    proposals.applied(entry(5, 7, idOf(0)), 'ok');
    expect((await applied).term).toBe(7);
  });

  it('does not wait longer than an election timeout for a term that it is fenced to', async () => {
    const { clock, proposals, flush, idOf } = setUp();
    const applied = proposals.submit(DATA, { ...limits, ifTerm: 9 });
    clock.advance(500);
    flush(6);
    proposals.rejected({ ids: [idOf(0)], reason: 'term-changed', term: 6 });
    await expect(applied).rejects.toMatchObject({ code: 'TermChanged', expected: 9, actual: 6 });
  });

  it('leaves nothing behind without a leader once its time is over', async () => {
    const { clock, proposals } = setUp(null, 1_000);
    for (let i = 0; i < 10; i++) {
      const applied = proposals.submit(new Uint8Array(900), limits);
      clock.advance(1_000);
      await expect(applied).rejects.toMatchObject({ code: 'NoLeader' });
    }
    expect([proposals.size, proposals.hasQueued]).toEqual([0, false]);
  });

  it('travels in messages of at most a megabyte, however many wait', () => {
    const { proposals, sent, flush } = setUp();
    const all = Array.from({ length: 20 }, () => proposals.submit(new Uint8Array(400_000), limits));
    flush(1);
    expect(sent.map((batch) => batch.proposals.length)).toEqual(Array.from({ length: 10 }, () => 2));
    proposals.stop(null);
    return Promise.allSettled(all);
  });

  it('is sent again under the same number when it may have been lost on its way, in its term only', async () => {
    const { proposals, sent, flush } = setUp();
    const older = proposals.submit(DATA, limits);
    flush(3);
    const newer = proposals.submit(DATA, limits);
    flush(4);
    const again: (readonly Proposal[])[] = [];
    proposals.resend(4, (batch) => again.push(batch));
    expect(again).toEqual([sent[1]?.proposals]);
    proposals.stop(null);
    await Promise.allSettled([older, newer]);
  });
});
