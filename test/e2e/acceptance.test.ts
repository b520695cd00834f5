/**
 * The judged scenarios in their short forms, on real server processes. `npm run acceptance -- NAME` runs them in
 * full. They run one after another: each of them wants the machine for itself.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import * as blockedLoop from '../acceptance/blocked-loop.js';
import * as damagedLog from '../acceptance/damaged-log.js';
import * as diskFull from '../acceptance/disk-full.js';
import * as diskStall from '../acceptance/disk-stall.js';
import * as idempotency from '../acceptance/idempotency.js';
import * as killLoop from '../acceptance/kill-loop.js';
import * as pausedLeader from '../acceptance/paused-leader.js';
import * as restoreUnderReads from '../acceptance/restore-under-reads.js';
import * as snapshotCatchUp from '../acceptance/snapshot-catch-up.js';
import * as staleReads from '../acceptance/stale-reads.js';
import * as torture from '../acceptance/torture.js';
import * as watch from '../acceptance/watch.js';
import * as wipedNode from '../acceptance/wiped-node.js';
import { whyNoFaultyDisks } from '../support/faulty-disk.js';
import { whyNoSmallFileSystems } from '../support/small-file-systems.js';

const context = { progress: () => {}, signal: new AbortController().signal };
const timeout = 120_000;
const canRunFull = (await whyNoSmallFileSystems()) === null;
const canStall = (await whyNoFaultyDisks()) === null || (process.env.QUORATE_REQUIRE ?? '').includes('strace');

describe('real server processes', { timeout }, () => {
  it('serve no stale read right after a write through another node', async () => {
    const result = await staleReads.run({ ...staleReads.defaults, rounds: 600 }, context);
    expect(result).toMatchObject({ ok: true, stale: 0, errors: 0 });
  });

  it('serve no stale read when followers apply slowly', async () => {
    const result = await staleReads.run({ ...staleReads.defaults, rounds: 200, applyDelayMs: 2 }, context);
    expect(result).toMatchObject({ ok: true, stale: 0, errors: 0 });
  });

  it('answer reads that reached a paused leader with the new value', async () => {
    const result = await pausedLeader.run({ ...pausedLeader.defaults, rounds: 3 }, context);
    expect(result).toMatchObject({ ok: true, stale: 0, untypedErrors: 0 });
  });

  it('lose no acknowledged write when nodes are killed again and again', async () => {
    const short = { ...killLoop.defaults, minutes: 0.2, minKillsPerNode: 1, minAcknowledged: 100 };
    expect(await killLoop.run(short, context)).toMatchObject({ ok: true, lost: 0, stale: 0, wentBack: 0 });
  });

  it('apply a request that is sent again and again once, and refuse it when they may have forgotten it', async () => {
    const short = { ...idempotency.defaults, sends: 100, keptRequests: 100, minKills: 1 };
    expect(await idempotency.run(short, context)).toMatchObject({ ok: true, problems: [] });
  });

  it('tell watches each change once and in order when the server that serves them is killed', async () => {
    const result = await watch.run({ ...watch.defaults, changes: 2_000, minKills: 2 }, context);
    expect(result, JSON.stringify(result)).toMatchObject({ ok: true, missing: 0, twice: 0, outOfOrder: 0 });
  });

  it('catch up by a snapshot when the log that they lack is cut off', async () => {
    const short = { ...snapshotCatchUp.defaults, writes: 15_000, beforeMs: 500, maxSlowdown: 1_000 };
    const result = await snapshotCatchUp.run(short, context);
    expect(result, JSON.stringify(result)).toMatchObject({ ok: true, lost: 0, stale: 0, bySnapshot: true });
  });

  it('answer readers while they take over a snapshot, and nothing stale', async () => {
    const short = { ...restoreUnderReads.defaults, rounds: 1, writes: 25_000, bytes: 200, maxLocalGapMs: 20_000 };
    const result = await restoreUnderReads.run(short, context);
    expect(result, JSON.stringify(result)).toMatchObject({ ok: true, lost: 0, stale: 0 });
  });

  it('cut a torn log and refuse a damaged one', async () => {
    expect(await damagedLog.run({ writes: 50 }, context)).toMatchObject({ ok: true });
  });

  it('refuse a wiped disk and a stranger of the same name', async () => {
    expect(await wipedNode.run({ watchSeconds: 4 }, context)).toMatchObject({ ok: true, electionHappened: false });
  });

  it('survive a blocked loop without a needless election or a stale read', async () => {
    expect(await blockedLoop.run(blockedLoop.defaults, context)).toMatchObject({ ok: true, needlessElection: false });
  });

  it.runIf(canRunFull)('lose nothing when a disk runs full, and come back when there is space', async () => {
    const result = await diskFull.run({ ...diskFull.defaults, withoutMs: 500 }, context);
    expect(result, JSON.stringify(result)).toMatchObject({ ok: true, lost: 0, stale: 0 });
  });

  it.runIf(canStall)('neither lead nor campaign while their disk is stalled, and lose nothing by it', async () => {
    const short = { ...diskStall.defaults, rounds: 1, withoutMs: 500, leaderlessMs: 1_500 };
    const result = await diskStall.run(short, context);
    expect(result, JSON.stringify(result)).toMatchObject({ ok: true, lost: 0, stale: 0, problems: [] });
  });

  it('answer linearizably under killed, paused and failing processes and a failing network', async () => {
    const result = await torture.run({ ...torture.defaults, minutes: 0.35, maxHoldMs: 3_000 }, context);
    expect(result, JSON.stringify(result)).toMatchObject({ ok: true, verdict: 'linearizable' });
  });

  it('are seen to answer with stale values where clients ask for local reads', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'quorate-torture-'));
    try {
      const short = { faults: 'leader-in-majority,leader-in-minority', minutes: 0.1, maxHoldMs: 2_000 };
      const local = { ...torture.defaults, ...short, level: 'local', history: join(directory, 'history.jsonl') };
      const result = await torture.run(local, context);
      const found = { ok: false, verdict: 'not-linearizable', violations: [], notEnough: [] };
      expect(result, JSON.stringify(result)).toMatchObject(found);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('are not tortured without strace where it is required', async () => {
    vi.stubEnv('QUORATE_REQUIRE', 'strace');
    vi.stubEnv('PATH', '');
    try {
      await expect(torture.run(torture.defaults, context)).rejects.toThrow('strace is not installed');
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
