/** A small file system really runs full, and leaves nothing behind. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SmallFileSystems, whyNoSmallFileSystems } from '../../support/small-file-systems.js';

const reason = await whyNoSmallFileSystems();
const KIB = 1024;

/** Writes so many bytes to a file, as a process that sees the file systems; null, or the words of the system. */
function write(systems: SmallFileSystems, name: string, bytes: number): string | null {
  const file = join(systems.directory, name, 'file');
  const script = `require('fs').writeFileSync(${JSON.stringify(file)}, Buffer.alloc(${bytes}, 1))`;
  const [command, ...args] = [...systems.launcher, process.execPath, '-e', script];
  const { status, stderr } = spawnSync(command as string, args, { encoding: 'utf8' });
  return status === 0 ? null : stderr;
}

it.runIf(reason === null)('a small file system runs full, and takes writes again when it is made larger', async () => {
  await using systems = await SmallFileSystems.mount(['a', 'b'], 256 * KIB);
  expect(write(systems, 'a', 100 * KIB)).toBeNull();
  await systems.leave('a', 4 * KIB);
  expect(await systems.freeBytes('a')).toBe(4 * KIB);
  expect(write(systems, 'a', 200 * KIB)).toContain('ENOSPC');
  expect(write(systems, 'b', 200 * KIB)).toBeNull();
  systems.resize('a', 256 * KIB);
  expect(write(systems, 'a', 200 * KIB)).toBeNull();
});

it.runIf(reason === null)('a small file system is seen by its own processes only, and is gone at the end', async () => {
  const systems = await SmallFileSystems.mount(['a'], 256 * KIB);
  expect(write(systems, 'a', KIB)).toBeNull();
  expect(readdirSync(join(systems.directory, 'a'))).toEqual([]);
  expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(systems.directory);
  await systems[Symbol.asyncDispose]();
  expect(existsSync(systems.directory)).toBe(false);
});
