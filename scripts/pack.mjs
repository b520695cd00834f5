/**
 * Packs both packages as they would be published. It must never let anything into them that is none of their users'.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './workspace.mjs';

const names = ['quorate', 'server'];

/** What a package may hold. */
const belongs = /^(dist\/.*\.(js|d\.ts)|README\.md|LICENSE|package\.json)$/;

/** Packs both packages into the folder. */
export function pack(folder) {
  return names.map((name) => {
    const packageFolder = join(root, 'packages', name);
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    const [{ filename, files }] = JSON.parse(npm(args, packageFolder));
    const stray = files.map(({ path }) => path).filter((path) => !belongs.test(path));
    if (stray.length > 0) throw new Error(`the package ${name} holds what is none of its users': ${stray.join(', ')}`);
    const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
    return { manifest, tarball: join(folder, filename) };
  });
}

/** Runs npm in a folder and returns what it prints. */
export function npm(args, cwd) {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 2] });
}
