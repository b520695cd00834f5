/**
 * Who may import whom, as ARCHITECTURE.md draws it: arrows go one way only. It must never allow a direction silently; a
 * room that is not in the table may import nothing.
 */
import { at, importedSource, imports, read, type SourceFile } from './repository.js';
import type { Rule } from './rule.js';

const library = 'packages/quorate/src/';
const server = 'packages/server/src/';

interface Allowed {
  readonly values: readonly string[];
  /** With `import type` only. */
  readonly types?: readonly string[];
  /** Single files of such a room. */
  readonly files?: readonly string[];
}

/** What each room of the library may import beside itself. */
const rooms: Readonly<Record<string, Allowed>> = {
  errors: { values: [] },
  core: { values: ['errors'] },
  reads: { values: ['errors'] },
  node: { values: ['core', 'errors'] },
  engines: { values: ['node', 'reads', 'errors'] },
  client: { values: ['errors'], types: ['reads'], files: ['reads/tokens.ts'] },
  lmdb: { values: ['node', 'errors'] },
  testing: { values: ['core', 'reads', 'node', 'engines', 'client', 'errors'] },
  index: { values: ['core', 'reads', 'node', 'engines', 'errors'] },
};

function roomOf(path: string): string {
  return path.slice(library.length).split(/[/.]/)[0] as string;
}

function checkRooms(file: SourceFile): readonly string[] {
  if (!file.path.startsWith(library)) return [];
  const room = roomOf(file.path);
  return imports(file)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .flatMap(({ specifier, typeOnly, node }) => {
      const target = importedSource(file.path, specifier);
      if (!target.startsWith(library)) return [at(file, node, `the library imports ${target}, outside its sources`)];
      const other = roomOf(target);
      const allowed = rooms[room];
      if (other === room || allowed?.values.includes(other)) return [];
      if (allowed?.files?.includes(target.slice(library.length))) return [];
      if (allowed?.types?.includes(other)) {
        return typeOnly ? [] : [at(file, node, `${room} may import types of ${other} only`)];
      }
      return [at(file, node, `${room} may not import ${other}`)];
    });
}

/** Each optional peer is imported by the one entry point that needs it. */
const optionalPeers: Readonly<Record<string, string>> = { lmdb: `${library}lmdb/index.ts` };

function checkLibraryPackages(file: SourceFile): readonly string[] {
  if (!file.path.startsWith(library)) return [];
  return imports(file)
    .filter(({ specifier }) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
    .filter(({ specifier }) => optionalPeers[specifier] !== file.path)
    .map(({ specifier, node }) => at(file, node, `the library has no runtime dependencies, this is ${specifier}`));
}

interface Manifest {
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

function checkServer(file: SourceFile): readonly string[] {
  if (!file.path.startsWith(server)) return [];
  const entryPoints = Object.keys((JSON.parse(read('packages/quorate/package.json')) as Manifest).exports);
  const dependencies = (JSON.parse(read('packages/server/package.json')) as Manifest).dependencies;
  return imports(file).flatMap(({ specifier, node }) => {
    if (specifier.startsWith('node:')) return [];
    if (specifier.startsWith('.')) {
      if (importedSource(file.path, specifier).startsWith('packages/server/')) return [];
      return [at(file, node, `the server imports ${specifier}, outside its package`)];
    }
    const [name, ...rest] = specifier.startsWith('@') ? specifier.split(/(?<=\/.*)\//) : specifier.split('/');
    if (!Object.hasOwn(dependencies, name as string)) return [at(file, node, `${specifier} is not a dependency`)];
    const entryPoint = `./${rest.join('/')}`.replace(/\/$/, '');
    if (name !== 'quorate' || entryPoints.includes(entryPoint)) return [];
    return [at(file, node, `${specifier} is not an entry point of the library`)];
  });
}

export const importRules: readonly Rule[] = [
  {
    name: 'rooms of the library import in the directions of ARCHITECTURE.md only',
    check: checkRooms,
    bad: [
      { path: `${library}core/log.ts`, text: "import { systemClock } from '../node/clock.js';" },
      { path: `${library}core/handlers/x.ts`, text: "export type { Clock } from '../../reads/clock.js';" },
      { path: `${library}reads/reader.ts`, text: "import type { Entry } from '../core/index.js';" },
      { path: `${library}node/loop.ts`, text: "const reads = await import('../reads/index.js');" },
      { path: `${library}node/loop.ts`, text: "type Reader = import('../reads/index.js').StateReader;" },
      { path: `${library}errors/index.ts`, text: "export * from '../core/index.js';" },
      { path: `${library}client/client.ts`, text: "import { StateReader } from '../reads/index.js';" },
      { path: `${library}engines/raft/raft-node.ts`, text: "import { World } from '../../testing/index.js';" },
      { path: `${library}index.ts`, text: "export * from './testing/index.js';" },
      { path: `${library}core/log.ts`, text: "import { x } from '../../../server/src/index.js';" },
      { path: `${library}unknown/x.ts`, text: "import { invariant } from '../errors/index.js';" },
    ],
    good: [
      { path: `${library}node/loop.ts`, text: "import { RawNode } from '../core/index.js';" },
      { path: `${library}client/client.ts`, text: "import type { Level } from '../reads/index.js';" },
      { path: `${library}client/client.ts`, text: "import { type Level } from '../reads/index.js';" },
      { path: `${library}client/client.ts`, text: "import { mergeTokens } from '../reads/tokens.js';" },
    ],
  },
  {
    name: 'the library imports no package, but an optional peer in the entry point that needs it',
    check: checkLibraryPackages,
    bad: [
      { path: `${library}node/loop.ts`, text: "import pino from 'pino';" },
      { path: `${library}node/loop.ts`, text: "import { open } from 'lmdb';" },
    ],
    good: [
      { path: `${library}node/loop.ts`, text: "import { crc32 } from 'node:zlib';" },
      { path: `${library}lmdb/index.ts`, text: "import { open } from 'lmdb';" },
    ],
  },
  {
    name: "the server imports its dependencies and the library's entry points only",
    check: checkServer,
    bad: [
      { path: `${server}http/app.ts`, text: "import { x } from '../../../quorate/src/index.js';" },
      { path: `${server}http/app.ts`, text: "import { x } from 'quorate/dist/index.js';" },
      { path: `${server}http/app.ts`, text: "import { x } from 'quorate/node';" },
      { path: `${server}http/app.ts`, text: "import ts from 'typescript';" },
      { path: `${server}http/app.ts`, text: "import { x } from '@scope/name/part';" },
    ],
    good: [
      { path: `${server}http/app.ts`, text: "import { RaftNode } from 'quorate'; import { x } from 'quorate/errors';" },
      { path: `${server}http/app.ts`, text: "import fastify from 'fastify'; import { join } from 'node:path';" },
    ],
  },
];
