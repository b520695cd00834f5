/** A real server whose writes hang: it says so, takes nothing, and ends in bounded time when it is told to. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { ask, closeConnections, json } from '../support/http.js';
import { ServerCluster } from '../support/server-cluster.js';
import { eventually } from '../support/wait.js';

const HANG_US = 600_000_000;
const hasStrace = spawnSync('strace', ['-V']).error === undefined;
const isRequired = (process.env.QUORATE_REQUIRE ?? '').includes('strace');

/** Every write of the log hangs from now on. */
async function hangWrites(pid: number): Promise<ChildProcess> {
  const inject = ['-e', 'trace=pwrite64', '-e', `inject=pwrite64:delay_enter=${HANG_US}`];
  const strace = spawn('strace', ['-f', ...inject, '-o', '/dev/null', '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  strace.stderr?.on('data', (text: Buffer) => {
    said += text.toString();
  });
  await eventually(`strace to be attached: ${said}`, () => said.includes(' attached'));
  return strace;
}

test.runIf(hasStrace || isRequired)(
  'a server with a stalled disk says so on /readyz, and SIGTERM ends it all the same',
  async () => {
    await using cluster = await ServerCluster.start();
    const leader = await cluster.leader();
    const strace = await hangWrites(leader.pid);
    try {
      const write = leader.put('k', 'v', '?timeout_ms=1000');
      const answer = await eventually('the stall to be told', async () => {
        const ready = await ask(`${leader.url}/readyz`, { timeoutMs: 2_000 });
        return ready.status === 503 && json(ready).code === 'DiskStalled' ? ready : null;
      });
      expect(json(answer).stalledMs).toBeGreaterThan(0);
      expect(await leader.status()).toMatchObject({ disk: { state: 'stalled' }, role: 'follower' });
      expect([503, 504]).toContain((await write).status);
      const successor = await cluster.leader(cluster.others(leader));
      expect((await successor.put('k', 'w')).status).toBe(200);

      const startedAt = performance.now();
      const exit = leader.exited();
      leader.signal('SIGTERM');
      // Killed by itself, while strace still holds its thread: it is gone for whoever waits once that is let go.
      await eventually('it to say why it ends', () => leader.log.includes('has not answered for'), {
        timeoutMs: 15_000,
      });
      expect(performance.now() - startedAt).toBeLessThan(15_000);
      strace.kill('SIGKILL');
      expect(await exit).toBeNull();
    } finally {
      if (strace.exitCode === null && strace.signalCode === null) {
        const gone = once(strace, 'exit');
        strace.kill('SIGKILL');
        await gone;
      }
      closeConnections();
    }
  },
  60_000,
);
