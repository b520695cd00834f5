/** `quorate snapshot save` to a file system that has no hard links, such as FAT: the file is there all the same. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { verifySnapshot } from 'quorate';
import { expect, test, vi } from 'vitest';
import { saveBackup } from '../../../packages/server/src/cli/save-backup.js';
import { RaftGroup } from '../../support/raft-group.js';

/** Called when a file is to be linked. */
const hook: { onLink: () => void } = vi.hoisted(() => ({ onLink: () => {} }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const link = async (from: string, to: string) => {
    // The lock of the node's directory is another matter.
    if (!from.endsWith('.part')) return real.link(from, to);
    hook.onLink();
    throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM', syscall: 'link' });
  };
  return { ...real, link };
});

test('a save gives its file the name without a link, unless there is one of that name by then', async () => {
  await using group = await RaftGroup.start(1);
  const node = await group.leader();
  const directory = join(group.directory, 'backups');
  await mkdir(directory);
  const save = async (name: string) => {
    const backup = await node.openBackup();
    const { position, bytes } = backup;
    async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
      for await (const chunk of backup.chunks()) yield chunk;
    }
    const coming = async () => ({ ...position, bytes, chunks: chunks() });
    return saveBackup(join(directory, name), { replace: false, backup: coming, onProgress() {} });
  };
  const saved = await save('first');
  expect(await verifySnapshot(join(directory, 'first'))).toEqual(saved);
  hook.onLink = () => writeFileSync(join(directory, 'second'), 'of somebody else');
  await expect(save('second')).rejects.toThrow('second is there already');
  expect(readFileSync(join(directory, 'second'), 'utf8')).toBe('of somebody else');
  expect(readdirSync(directory).sort()).toEqual(['first', 'second']);
});
