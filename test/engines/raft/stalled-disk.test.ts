/**
 * The end of a node whose disk does not answer: it is told in time, and nobody gets the directory before the disk has
 * answered.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DirectoryLocked, DiskStalled } from 'quorate/errors';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RaftNode } from '../../../packages/quorate/src/index.js';
import { systemClock } from '../../../packages/quorate/src/node/clock.js';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { resolveReplicaOptions } from '../../../packages/quorate/src/node/replica-options.js';
import { openDirectory } from '../../../packages/quorate/src/node/storage/data-directory.js';
import type { DiskFile } from '../../../packages/quorate/src/node/storage/disk.js';
import { NodeDisk } from '../../../packages/quorate/src/node/storage/node-disk.js';
import { TcpTransport } from '../../../packages/quorate/src/node/transport/tcp-transport.js';
import { HeldDisk } from '../../support/held-disk.js';
import { type MapNode, mapMachine } from '../../support/raft-group.js';
import { freePorts } from '../../support/server-cluster.js';
import { eventually } from '../../support/wait.js';

let path = '';
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'quorate-stalled-'));
});
afterEach(() => rm(path, { recursive: true, force: true }));

async function open(disk: NodeDisk, stateMachine = mapMachine()): Promise<MapNode> {
  const [port] = await freePorts(1);
  const address = { host: '127.0.0.1', port: port as number };
  const common = { clock: systemClock, logger: silentLogger };
  const randomBytes = (length: number) => new Uint8Array(length).fill(7);
  const directory = await openDirectory({ ...common, disk, path, id: 'n1', cluster: 'test', randomBytes });
  const peers = { n1: address };
  return RaftNode.start({
    ...{ ...common, directory, id: 'n1', cluster: 'test', url: null, peers: ['n1'], bootId: 1, random: Math.random },
    transport: new TcpTransport({ ...common, id: 'n1', listen: address, peers, random: Math.random }),
    options: resolveReplicaOptions({ tickMs: 10 }),
    stateMachine,
  });
}

test('a node tells that its disk stalls, neither leads nor acknowledges, and goes on when it answers', async () => {
  const disk = new HeldDisk();
  const node = await open(disk);
  await node.propose({ key: 'k', value: 'before' });
  expect(node.status().disk).toEqual({ state: 'working' });
  disk.hold();
  const write = node.propose({ key: 'k', value: 'after' }, { timeoutMs: 20_000 });
  await eventually('the stall to be told', () => node.status().disk?.state === 'stalled');
  expect(node.status()).toMatchObject({ role: 'follower', leader: null });
  const overdue = node.propose({ key: 'k', value: 'late' }, { timeoutMs: 50 });
  await expect(overdue).rejects.toMatchObject({ outcome: 'not-applied' });
  disk.release();
  expect((await write).result).toBe('before');
  expect(node.status().disk).toEqual({ state: 'working' });
  await node.close();
});

test('close ends in time though a write hangs; the directory stays locked until the disk has answered', async () => {
  const disk = new HeldDisk();
  const node = await open(disk);
  await node.propose({ key: 'k', value: 'v' });
  disk.hold();
  const write = node.propose({ key: 'k', value: 'lost' });
  write.catch(() => undefined);
  await eventually('the write to be under way', () => node.status().lastIndex > node.status().commit);
  await expect(node.close({ timeoutMs: 100 })).rejects.toThrow(DiskStalled);
  await expect(write).rejects.toMatchObject({ code: 'Stopped', outcome: 'unknown' });
  expect(await node.stopped).toBeInstanceOf(DiskStalled);
  await expect(open(new NodeDisk())).rejects.toThrow(DirectoryLocked);
  const { written } = disk;
  disk.release();
  const next = await eventually('the directory to be free', async () => {
    try {
      return await open(new NodeDisk());
    } catch (error) {
      if (error instanceof DirectoryLocked) return null;
      throw error;
    }
  });
  // Only the one that was under way; no seal, nothing that waited.
  expect(disk.written).toBe(written + 1);
  expect((await next.read((state) => state.get('k'))).value).toMatch(/^(v|lost)$/);
  await next.close();
});

test('a close from within a close ends nothing twice: the directory is locked while the log is written', async () => {
  const disk = new HeldDisk();
  const node = await open(disk);
  await node.propose({ key: 'k', value: 'v' });
  let again: Promise<void> | null = null;
  await new Promise<void>((started) => {
    node.runOnLeader({
      start: ({ signal }) => {
        signal.addEventListener('abort', () => {
          again = node.close();
          again.catch(() => undefined);
        });
        started();
      },
      stop: () => undefined,
    });
  });
  disk.hold();
  const write = node.propose({ key: 'k', value: 'lost' });
  write.catch(() => undefined);
  await eventually('the write to be under way', () => node.status().lastIndex > node.status().commit);
  await expect(node.close({ timeoutMs: 100 })).rejects.toThrow(DiskStalled);
  await expect(again).rejects.toThrow(DiskStalled);
  await expect(open(new NodeDisk())).rejects.toThrow(DirectoryLocked);
  disk.release();
  await eventually('the directory to be free', async () => {
    const next = await open(new NodeDisk()).catch(() => null);
    await next?.close();
    return next !== null;
  });
});

test('close waits for no snapshot that is being read back, however long that would take', async () => {
  let reads = 0;
  const disk = new (class extends NodeDisk {
    override async open(path: string, mode: 'create' | 'open' | 'read'): Promise<DiskFile> {
      const file = await super.open(path, mode);
      const read = file.read.bind(file);
      file.read = async (position, length) => {
        reads += 1;
        if (mode === 'read') await new Promise((resolve) => setTimeout(resolve, 20));
        return read(position, length);
      };
      return file;
    }
  })();
  const pieces = Array.from({ length: 1_000 }, (_, i) => Buffer.from(`piece ${i}`));
  const machine = mapMachine();
  machine.snapshot = () => ({ appliedIndex: machine.appliedIndex, appliedTerm: 1, chunks: pieces, release: () => {} });
  const node = await open(disk, machine);
  await node.propose({ key: 'k', value: 'v' });
  const before = reads;
  const taken = node.takeSnapshot({ timeoutMs: 60_000 });
  taken.catch(() => undefined);
  await eventually('the snapshot to be read back', () => reads > before + 5);
  await node.close();
  await expect(taken).rejects.toMatchObject({ code: 'Stopped' });
  expect(reads).toBeLessThan(before + 2_000);
});
