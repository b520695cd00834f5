/**
 * What every script does first: install what is missing, build what is older than its sources. Works on a fresh clone
 * with nothing but Node and npm. It must never print on stdout, for the scripts that follow own it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** The `quorate` command as it was built. */
export const commandPath = join(root, 'packages/server/dist/cli/main.js');

/** Installs and builds. Ends the process with one sentence when either fails. */
export function prepare() {
  installMissing();
  build();
}

/** Runs `npm ci` unless everything that package-lock.json names is there in the version that it names. */
export function installMissing() {
  const reason = whyInstall();
  if (reason === null) return;
  refuseLinkedModules();
  console.error(`installing the dependencies: ${reason}`);
  // Scripts of dependencies never run: none that we use may need one.
  const npm = ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
  const npmFile = process.env.npm_execpath;
  if (npmFile?.endsWith('.js')) runOrExit('npm ci', process.execPath, [npmFile, ...npm]);
  else runOrExit('npm ci', 'npm', npm);
}

/** Says why the dependencies have to be installed, or null when they are all there. */
export function whyInstall(directory = root) {
  const wanted = readJson(join(directory, 'package-lock.json'));
  const installed = readJson(join(directory, 'node_modules/.package-lock.json'));
  // npm writes this file last, so it is missing after an installation that was interrupted.
  if (installed === null) return 'nothing is installed yet';
  for (const [path, { version, integrity, optional }] of Object.entries(wanted.packages)) {
    if (path === '') continue;
    const found = installed.packages[path];
    if (found === undefined) {
      // Packages for other platforms are optional, and npm leaves them out.
      if (!optional) return `${path} is missing`;
      continue;
    }
    if (found.version !== version || found.integrity !== integrity) return `${path} has another version`;
    if (!existsSync(join(directory, path, 'package.json'))) return `${path} was removed`;
  }
  return null;
}

/** `npm ci` empties every `node_modules` of the workspace first, and would empty what is behind a link. */
function refuseLinkedModules() {
  const folders = ['.', 'packages/quorate', 'packages/server'].map((folder) => join(root, folder, 'node_modules'));
  const linked = folders.find((folder) => lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink());
  if (linked === undefined) return;
  console.error(
    `${linked} is a symbolic link, and \`npm ci\` would empty the folder behind it: remove the link, then start again`,
  );
  process.exit(1);
}

/** Compiles both packages where sources are newer, and makes `npx quorate` work in the clone. */
export function build() {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  runOrExit('the build', process.execPath, [compiler, '-b', 'packages/quorate', 'packages/server']);
  linkCommand();
}

/** npm links the commands of a workspace only when their files exist at installation, and ours are built later. */
function linkCommand() {
  if (!existsSync(commandPath)) return;
  chmodSync(commandPath, 0o755);
  const link = join(root, 'node_modules/.bin/quorate');
  if (existsSync(link)) return;
  mkdirSync(join(root, 'node_modules/.bin'), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync('../quorate-server/dist/cli/main.js', link);
}

function runOrExit(what, command, args) {
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error === undefined && status === 0) return;
  if (signal === 'SIGINT') process.exit(130);
  console.error(`${what} failed${error === undefined ? '' : `: ${error.message}`}`);
  process.exit(1);
}

/**
 * Runs Node on a file of the repository and resolves to its exit code; 128 and the number of the signal that ended it.
 */
export function runNode(args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', ...options });
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? 128 + signalNumber(signal)));
  });
}

function signalNumber(signal) {
  return { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 0;
}

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
}
