/** Giving others a snapshot, and the end of it. */
import { expect, it } from 'vitest';
import { systemClock } from '../../../packages/quorate/src/node/clock.js';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { nodeEvents } from '../../../packages/quorate/src/node/node-events.js';
import { RateLimit } from '../../../packages/quorate/src/node/snapshot/rate-limit.js';
import { SnapshotEvents } from '../../../packages/quorate/src/node/snapshot/snapshot-events.js';
import { SnapshotSender } from '../../../packages/quorate/src/node/snapshot/snapshot-sender.js';
import { Snapshots } from '../../../packages/quorate/src/node/snapshot/snapshots.js';
import { SimulatedDisk } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';

it('is settled when the file that it reads from is closed, and sends nothing after its end', async () => {
  const disk = new SimulatedDisk({ random: () => 0.3 });
  const snapshots = await Snapshots.open({ disk, directory: '/data', clock: systemClock });
  const position = { index: 7, term: 2 };
  const configuration = { voters: ['n1', 'n2'], outgoing: [], learners: [] };
  await snapshots.save({ position, timestampMs: 1, clusterId: 'c', configuration }, [Buffer.from('state')]);
  const happened: string[] = [];
  let answer: () => void = () => {};
  const slow = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const { open } = disk;
  disk.open = async (path, mode) => {
    await slow;
    const file = await open.call(disk, path, mode);
    const close = () => file.close().then(() => void happened.push('closed'));
    return { ...file, close };
  };
  const ending = new AbortController();
  const sender = new SnapshotSender(
    {
      ...{ id: 'n1', snapshots, clock: systemClock, logger: silentLogger, idleMs: 1_000, signal: ending.signal },
      send: () => happened.push('sent'),
      events: new SnapshotEvents(nodeEvents('n1').snapshot, systemClock),
    },
    new RateLimit(systemClock, 1_000_000),
  );
  sender.request({ type: 'snapshot-request', from: 'n2', to: 'n1', term: 2, index: 7, snapshotTerm: 2, offset: 0 });
  ending.abort(new Error('the end'));
  const settled = sender.settled().then(() => happened.push('settled'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(happened).toEqual([]);
  answer();
  await settled;
  expect(happened).toEqual(['closed', 'settled']);
});
