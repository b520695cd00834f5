/** A real server whose writes hang: it says so, takes nothing, and ends in bounded time when it is told to. */
import { expect, test } from 'vitest';
import { hangWrites, whyNoFaultyDisks } from '../support/faulty-disk.js';
import { ask, closeConnections, json } from '../support/http.js';
import { ServerCluster } from '../support/server-cluster.js';
import { eventually } from '../support/wait.js';

const canHang = (await whyNoFaultyDisks()) === null;
const isRequired = (process.env.QUORATE_REQUIRE ?? '').includes('strace');

test.runIf(canHang || isRequired)(
  'a server with a stalled disk says so on /readyz, and SIGTERM ends it all the same',
  async () => {
    await using cluster = await ServerCluster.start();
    const leader = await cluster.leader();
    await using disk = await hangWrites(leader);
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
      await disk[Symbol.asyncDispose]();
      expect(await exit).toBeNull();
    } finally {
      closeConnections();
    }
  },
  60_000,
);
