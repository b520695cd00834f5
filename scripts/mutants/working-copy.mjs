/**
 * A copy of the repository in a temporary folder, to be changed and thrown away: every file that git tracks or would
 * track. Imports of the repository's own packages must never lead out of the copy.
 */
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** The packages of the repository, which npm links into `node_modules` from where they are. */
const ownPackages = { quorate: 'packages/quorate', 'quorate-server': 'packages/server' };

/** Copies the repository and returns the path of the copy; {@link removeCopy} takes it away. */
export async function makeCopy(root) {
  const copy = await mkdtemp(join(tmpdir(), 'quorate-mutant-'));
  try {
    const { stdout } = await execute('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      maxBuffer: 64 * 1024 * 1024,
    });
    for (const file of stdout.split('\0')) {
      // Deleted in the working tree and not committed yet: git lists it still.
      if (file === '' || !existsSync(join(root, file))) continue;
      await mkdir(dirname(join(copy, file)), { recursive: true });
      await cp(join(root, file), join(copy, file));
    }
    await linkModules(root, copy);
    return copy;
  } catch (error) {
    await removeCopy(copy);
    throw error;
  }
}

export async function removeCopy(copy) {
  await rm(copy, { recursive: true, force: true });
}

/** Every `node_modules` that npm has made: that of the repository, and those of packages that need other versions. */
async function linkModules(root, copy) {
  for (const folder of ['.', ...Object.values(ownPackages)]) {
    const modules = join(root, folder, 'node_modules');
    if (existsSync(modules)) await linkEntries(modules, join(copy, folder, 'node_modules'), copy);
  }
}

/** Entry by entry, so that the own packages can be those of the copy, and tools write their caches into the copy. */
async function linkEntries(modules, target, copy) {
  await mkdir(target, { recursive: true });
  for (const name of readdirSync(modules)) {
    if (name.startsWith('.vite')) continue;
    const own = lstatSync(join(modules, name)).isSymbolicLink() ? ownPackages[name] : undefined;
    await symlink(own === undefined ? join(modules, name) : join(copy, own), join(target, name));
  }
}

/** Why the patch does not apply to the copy; null when it does, and then it is applied unless `check` is set. */
export async function applyPatch(copy, patch, { check = false } = {}) {
  try {
    // A repository around the temporary folder would make git look for the files there, and pass over them in silence.
    const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(copy) };
    await execute('git', ['apply', ...(check ? ['--check'] : []), patch], { cwd: copy, env });
    return null;
  } catch (error) {
    return String(error.stderr || error.message).trim();
  }
}
