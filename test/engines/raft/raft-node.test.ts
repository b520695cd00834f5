/** The embedded node as its users meet it: in one process here, but over real sockets and real disks. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DiskFailed } from '../../../packages/quorate/src/errors/index.js';
import { Link } from '../../support/link.js';
import { mapMachine, RaftGroup } from '../../support/raft-group.js';
import { eventually } from '../../support/wait.js';

const get = (key: string) => (state: Readonly<Map<string, string>>) => state.get(key) ?? null;

describe('an embedded node', () => {
  it('serves a write that was acknowledged anywhere to a read anywhere', async () => {
    await using group = await RaftGroup.start();
    const nodes = [...group.nodes.values()];
    for (const [i, writer] of nodes.entries()) {
      const { index, term, result, token } = await writer.propose({ key: 'k', value: `v${i}` });
      expect(result).toBe(i === 0 ? null : `v${i - 1}`);
      for (const reader of nodes) {
        const read = await reader.read(get('k'));
        expect(read).toMatchObject({ value: `v${i}`, term, level: 'linearizable', servedBy: reader.status().id });
        expect(read.appliedIndex).toBeGreaterThanOrEqual(index);
        const session = await reader.read(get('k'), { level: 'session', token });
        expect(session.value).toBe(`v${i}`);
      }
    }
  });

  it('takes writes and reads while its cluster is still forming, and answers them once it is', async () => {
    await using group = await RaftGroup.prepare();
    const first = await group.open('n1');
    expect(first.status()).toMatchObject({ role: 'forming', leader: null, clusterId: null, lag: null });
    const write = first.propose({ key: 'k', value: 'early' });
    const read = first.read(get('other'));
    await Promise.all([group.open('n2'), group.open('n3')]);
    expect((await write).result).toBeNull();
    expect((await read).value).toBeNull();
    expect((await group.node('n3').read(get('k'))).value).toBe('early');
  });

  it('refuses in time, not applied, while the others are missing', async () => {
    await using group = await RaftGroup.prepare();
    const alone = await group.open('n1');
    const write = alone.propose({ key: 'k', value: 'v' }, { timeoutMs: 50 });
    await expect(write).rejects.toMatchObject({ code: 'NoLeader', outcome: 'not-applied', retryable: true });
    const read = alone.read(get('k'), { timeoutMs: 50 });
    await expect(read).rejects.toMatchObject({ code: 'ConsistentRead', reason: 'NoLeader' });
  });

  it('fails a read with NoLeader, not Timeout, when the majority is gone, and never answers it', async () => {
    await using group = await RaftGroup.start();
    const leader = await group.leader();
    const survivor = leader.status().id;
    for (const id of [...group.nodes.keys()]) if (id !== survivor) await group.close(id);
    let ran = false;
    const read = leader.read(
      () => {
        ran = true;
      },
      { timeoutMs: 3_000 },
    );
    await expect(read).rejects.toMatchObject({ code: 'ConsistentRead', reason: 'NoLeader' });
    expect(ran).toBe(false);
    expect(leader.status().lag).toBeNull();
    const write = leader.propose({ key: 'k', value: 'v' }, { timeoutMs: 100 });
    await expect(write).rejects.toMatchObject({ code: 'NoLeader', outcome: 'not-applied' });
  });

  it('drops a write that is fenced to another term', async () => {
    await using group = await RaftGroup.start();
    for (const node of [await group.leader(), await group.follower()]) {
      const { term } = await node.read(get('k'));
      await node.propose({ key: 'k', value: 'fenced' }, { ifTerm: term });
      const late = node.propose({ key: 'k', value: 'late' }, { ifTerm: term - 1 });
      await expect(late).rejects.toMatchObject({ code: 'TermChanged', outcome: 'not-applied', expected: term - 1 });
      expect((await node.read(get('k'))).value).toBe('fenced');
    }
  });

  it('hands its leadership over without losing a write', async () => {
    await using group = await RaftGroup.start();
    const old = await group.leader();
    const target = (await group.follower()).status().id;
    let transferred = false;
    const transfer = old.transferLeadership(target).then(() => {
      transferred = true;
    });
    let writes = 0;
    while (!transferred) await old.propose({ key: 'n', value: String(++writes) });
    await transfer;
    expect(old.status().leader?.id).toBe(target);
    expect((await group.node(target).read(get('n'))).value).toBe(String(writes));
    await expect(old.transferLeadership()).rejects.toMatchObject({ code: 'NotLeader', leader: { id: target } });
  });

  it('finds its data again after all nodes were closed', async () => {
    await using group = await RaftGroup.start();
    const { token } = await group.node('n2').propose({ key: 'k', value: 'kept' });
    for (const id of Object.keys(group.peers)) await group.close(id);
    await Promise.all(Object.keys(group.peers).map((id) => group.open(id)));
    expect((await group.node('n1').read(get('k'), { level: 'session', token })).value).toBe('kept');
    expect((await group.node('n3').read(get('k'))).value).toBe('kept');
  });

  it('stops, on every replica, at a command that its state machine cannot apply, and shows nothing more', async () => {
    await using group = await RaftGroup.start();
    const node = await group.leader();
    await node.propose({ key: 'k', value: 'v' });
    const write = node.propose({ key: 'explode', value: '' });
    await expect(write).rejects.toMatchObject({ code: 'Stopped', outcome: 'unknown' });
    for (const each of group.nodes.values()) {
      expect(await each.stopped).toMatchObject({ message: expect.stringMatching(/failed at index \d+/) });
      expect(each.status()).toMatchObject({ role: 'stopped', failure: { message: expect.stringContaining('index') } });
      await expect(each.read(get('k'), { level: 'local' })).rejects.toMatchObject({ reason: 'Stopped' });
      await expect(each.propose({ key: 'k', value: 'x' })).rejects.toMatchObject({ outcome: 'not-applied' });
    }
  });

  it('stops with the failure of its state machine, though nobody asks anything of it', async () => {
    await using group = await RaftGroup.prepare(1);
    const failing = new AbortController();
    const node = await group.open('n1', { stateMachine: Object.assign(mapMachine(), { failed: failing.signal }) });
    await group.leader();
    const failure = new DiskFailed('the state could not be synced');
    failing.abort(failure);
    expect(await node.stopped).toBe(failure);
    expect(node.status()).toMatchObject({ role: 'stopped', disk: { state: 'failed', message: failure.message } });
  });

  it('refuses a directory that is open, of another node, or of another cluster, with a sentence', async () => {
    await using group = await RaftGroup.start();
    const dataDir = join(group.directory, 'n1');
    await expect(group.open('n1')).rejects.toMatchObject({ code: 'DirectoryLocked' });
    await group.close('n1');
    await expect(group.open('n2', { dataDir })).rejects.toMatchObject({ code: 'IdentityMismatch' });
    await expect(group.open('n1', { cluster: 'other' })).rejects.toMatchObject({ code: 'IdentityMismatch' });
    await expect(group.open('n9')).rejects.toMatchObject({ code: 'InvalidArgument', field: 'peers' });
    await group.open('n1');
    expect((await group.node('n1').read(get('k'))).value).toBeNull();
  });

  it('releases its directory when its port is taken', async () => {
    await using group = await RaftGroup.start();
    await group.close('n1');
    const taken = group.peers.n2 as string;
    await expect(group.open('n1', { listen: taken })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(readdirSync(join(group.directory, 'n1'))).not.toContain('lock');
    await group.open('n1');
    expect((await group.node('n1').read(get('k'))).value).toBeNull();
  });

  it('settles everything under way when it is closed, and can be closed twice', async () => {
    await using group = await RaftGroup.prepare();
    const node = await group.open('n1');
    const pending = [node.propose({ key: 'k', value: 'v' }), node.read(get('k'))].map((call) =>
      call.then(
        () => 'done',
        (error: { code: string; reason?: string }) => error.reason ?? error.code,
      ),
    );
    await Promise.all([node.close(), node.close()]);
    expect(await Promise.all(pending)).toEqual(['Stopped', 'Stopped']);
    expect(await node.stopped).toBeNull();
  });

  it('delivers a write that was forwarded while the link to the leader was down for a moment', async () => {
    await using group = await RaftGroup.prepare();
    const link = await Link.to(group.peers.n1 as string);
    try {
      await group.open('n2', { peers: { ...group.peers, n1: link.address } });
      await Promise.all([group.open('n1'), group.open('n3')]);
      await (await group.leader()).propose({ key: 'k', value: 'first' });
      if ((await group.leader()).status().id !== 'n1') await (await group.leader()).transferLeadership('n1');
      const follower = group.node('n2');
      await eventually('n2 to follow n1', () => follower.status().leader?.id === 'n1');
      const { term } = follower.status();
      link.cut();
      const write = follower.propose({ key: 'k', value: 'second' }, { timeoutMs: 4_000 });
      // Each stream tries at once, and then after pauses of several ticks.
      await eventually('n2 to try again and again', () => link.refused >= 6);
      link.mend();
      expect((await write).term).toBe(term);
      expect((await group.node('n3').read(get('k'))).value).toBe('second');
    } finally {
      await link.close();
    }
  });

  it('refuses a function that is not synchronous, and passes on what a function throws as it is', async () => {
    await using group = await RaftGroup.start(1);
    const node = await group.leader();
    await expect(node.read(async () => 1)).rejects.toMatchObject({ code: 'InvalidArgument', field: 'fn' });
    const mine = new Error('mine');
    const read = node.read(() => {
      throw mine;
    });
    await expect(read).rejects.toBe(mine);
  });

  it('refuses a command over its limit and an option out of its range', async () => {
    await using group = await RaftGroup.start(1);
    const node = await group.leader();
    const write = node.propose({ key: 'k', value: 'x'.repeat(3 * 1024 * 1024) });
    await expect(write).rejects.toMatchObject({ code: 'InvalidArgument', field: 'command', outcome: 'not-applied' });
    await expect(group.open('n1', { electionTicks: 1 })).rejects.toThrow(/electionTicks must be .* received 1/);
  });

  it('catches up from nothing when it comes back after many writes', async () => {
    await using group = await RaftGroup.start();
    const away = (await group.follower()).status().id;
    await group.close(away);
    const leader = await group.leader();
    await Promise.all(
      Array.from({ length: 500 }, (_, i) => leader.propose({ key: `k${i}`, value: 'x'.repeat(1_000) })),
    );
    const machine = mapMachine();
    const back = await group.open(away, { stateMachine: machine });
    expect((await back.read((state) => state.size)).value).toBe(500);
    await eventually('the logs to be the same', () => back.status().lastIndex === leader.status().lastIndex);
  });
});
