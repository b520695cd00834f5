/** A state that a node was given, while its log cannot say so yet: it waits, and nothing may take its place. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RawNode } from '../../../packages/quorate/src/core/index.js';
import { RaftNode } from '../../../packages/quorate/src/index.js';
import { systemClock } from '../../../packages/quorate/src/node/clock.js';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { resolveReplicaOptions } from '../../../packages/quorate/src/node/replica-options.js';
import { openDirectory } from '../../../packages/quorate/src/node/storage/data-directory.js';
import { TcpTransport } from '../../../packages/quorate/src/node/transport/tcp-transport.js';
import { HeldDisk } from '../../support/held-disk.js';
import { type MapNode, mapMachine, RaftGroup, type SetCommand, type State } from '../../support/raft-group.js';
import { eventually } from '../../support/wait.js';

const TUNING = { tickMs: 20, snapshotEntries: 10, keptEntries: 0 };
const OFFERS = 10;

/** Opens the node on a disk of the test's own; `parts` are what the test looks through. */
async function open(group: RaftGroup, id: string, parts: Pick<StartOptions, 'stateMachine' | 'createCore'> & Disk) {
  const common = { clock: systemClock, logger: silentLogger };
  const peers = Object.fromEntries(
    Object.entries(group.peers).map(([name, address]) => [
      name,
      { host: '127.0.0.1', port: Number(address.split(':')[1]) },
    ]),
  );
  const { disk, ...seams } = parts;
  const randomBytes = (length: number) => new Uint8Array(length).fill(7);
  const path = join(group.directory, id);
  const directory = await openDirectory({ ...common, disk, path, id, cluster: 'quorate', randomBytes });
  const listen = peers[id] as { host: string; port: number };
  const node: MapNode = await RaftNode.start({
    ...{ ...common, ...seams, directory, id, cluster: 'quorate', url: null, peers: Object.keys(peers) },
    ...{ bootId: 2, random: Math.random },
    transport: new TcpTransport({ ...common, id, listen, peers, random: Math.random }),
    options: resolveReplicaOptions(TUNING),
  });
  group.nodes.set(id, node);
  return node;
}

type StartOptions = Parameters<typeof RaftNode.start<SetCommand, string | null, Readonly<State>>>[0];
type Disk = { readonly disk: HeldDisk };

async function write(node: MapNode, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await node.propose({ key: `key ${i}`, value: 'v' });
}

it('a state that waits for the log is not lost to a newer snapshot that is offered meanwhile', async () => {
  await using group = await RaftGroup.prepare(3);
  await Promise.all(Object.keys(group.peers).map((id) => group.open(id, TUNING)));
  const id = (await group.follower()).status().id;
  await group.close(id);
  const leader = await group.leader();
  await write(leader, 50);
  await leader.takeSnapshot();

  const disk = new HeldDisk();
  const events: string[] = [];
  const machine = mapMachine();
  const restore = machine.restore.bind(machine);
  machine.restore = async (chunks, view) => {
    events.push(`builds ${view.appliedIndex}`);
    const { swap, discard } = await restore(chunks, view);
    if (events.length === 1) disk.hold();
    const observed = () => {
      events.push(`swaps ${view.appliedIndex}`);
      swap();
    };
    return { swap: observed, discard };
  };
  let newer = 0;
  const createCore: StartOptions['createCore'] = (options) => {
    const core = new RawNode(options);
    const ready = core.ready.bind(core);
    core.ready = () => {
      const next = ready();
      if (events.length === 1) newer += next.offers.length;
      return next;
    };
    return core;
  };
  const back = await open(group, id, { disk, stateMachine: machine, createCore });
  await eventually('a state that waits', () => events.length === 1 && leader.status());
  await write(leader, 50);
  await leader.takeSnapshot();
  await eventually('newer offers', () => newer >= OFFERS || events.length > 1);
  disk.release();
  await eventually('all that is committed', () => back.status().applied === leader.status().commit);
  expect(events[1]).toBe(events[0]?.replace('builds', 'swaps'));
});
