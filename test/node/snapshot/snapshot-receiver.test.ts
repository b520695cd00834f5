/** What a node does with snapshots that others offer: it fetches one while it is of use, and waits for nobody. */
import { describe, expect, it } from 'vitest';
import type { LogPosition, SnapshotMessage } from '../../../packages/quorate/src/core/index.js';
import { systemClock } from '../../../packages/quorate/src/node/clock.js';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { nodeEvents } from '../../../packages/quorate/src/node/node-events.js';
import { SnapshotEvents } from '../../../packages/quorate/src/node/snapshot/snapshot-events.js';
import { SnapshotReceiver } from '../../../packages/quorate/src/node/snapshot/snapshot-receiver.js';
import { Snapshots } from '../../../packages/quorate/src/node/snapshot/snapshots.js';
import { SimulatedDisk } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';
import { ManualClock } from '../../support/manual-clock.js';
import { mapMachine } from '../../support/raft-group.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function createReceiver() {
  const clock = new ManualClock();
  const disk = new SimulatedDisk({ random: () => 0.3 });
  const snapshots = await Snapshots.open({ disk, directory: '/data/snapshots', clock: systemClock });
  const sent: SnapshotMessage[] = [];
  let needed = true;
  const receiver = new SnapshotReceiver({
    id: 'n1',
    ...{ clusterId: 'a cluster', snapshots, clock, logger: silentLogger, machine: mapMachine() },
    events: new SnapshotEvents(nodeEvents('n1').snapshot, clock),
    idleMs: 10_000,
    askAgainMs: 1_000,
    signal: new AbortController().signal,
    send: (message) => sent.push(message),
    isNeeded: () => needed,
    onRestored: () => {},
  });
  /** Lets time pass, as the ticks of a node do. */
  const pass = async (ms: number) => {
    clock.advance(ms);
    receiver.tick();
    await turn();
  };
  const offer = async (from: string, { index, term }: LogPosition) => {
    receiver.offer({ from, index, term });
    await turn();
  };
  return { receiver, sent, pass, offer, disk, comesFurther: () => (needed = false) };
}

describe('a snapshot that is fetched', () => {
  it('is given up when nothing comes any more, though nobody offers another', async () => {
    const { receiver, sent, pass, offer, disk } = await createReceiver();
    await offer('n2', { index: 100, term: 3 });
    expect(receiver.isReceiving).toBe(true);
    await pass(9_999);
    expect(sent.map(({ to }) => to)).toEqual(['n2', 'n2']);
    await pass(1);
    expect(receiver.isReceiving).toBe(false);
    expect(disk.files).toEqual([]);
    await offer('n3', { index: 120, term: 4 });
    expect(sent.at(-1)).toMatchObject({ type: 'snapshot-request', to: 'n3', index: 120, offset: 0 });
  });

  it('is given up as soon as the log has come further without it, and no read waits for it then', async () => {
    const { receiver, pass, offer, disk, comesFurther } = await createReceiver();
    await offer('n2', { index: 100, term: 3 });
    comesFurther();
    expect(receiver.isReceiving).toBe(false);
    await pass(50);
    expect(disk.files).toEqual([]);
  });
});
