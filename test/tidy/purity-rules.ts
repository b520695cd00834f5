/**
 * What is injected and may not be taken from the surroundings: time, randomness, disk, network. A file that implements
 * the seam is named here with what it may use; everything else in its room may not.
 */
import ts from 'typescript';
import { at, type Import, imports, nodes, type SourceFile } from './repository.js';
import type { Rule } from './rule.js';

const library = 'packages/quorate/src/';

const timers = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'];
const surroundings = ['Date', 'Math.random', 'AbortSignal.timeout', 'performance', 'process', 'crypto', 'fetch'];
const hidden = [...timers, ...surroundings, 'globalThis', 'console', 'require'];

/** Names that a room may not use. The core is a function of its input: nothing in it waits. */
const bannedIn: Readonly<Record<string, readonly string[]>> = {
  core: [...hidden, 'Buffer', 'Promise', 'queueMicrotask', 'await', 'async'],
  reads: [...hidden, 'Buffer'],
  node: hidden,
  engines: hidden,
};

/** Modules of Node that neither wait nor know anything of the surroundings. */
const pureModules = ['node:buffer', 'node:path', 'node:util', 'node:zlib'];

/** The implementations of the seams, and what each of them is there for. */
const exceptions: readonly { readonly path: string; readonly allowed: readonly string[] }[] = [
  { path: 'node/event-channel.ts', allowed: ['node:diagnostics_channel'] },
  { path: 'node/clock.ts', allowed: ['performance', 'Date', 'setTimeout', 'clearTimeout', 'setImmediate'] },
  { path: 'node/storage/node-disk.ts', allowed: ['node:fs', 'node:fs/promises', 'node:os'] },
  { path: 'node/storage/directory-lock.ts', allowed: ['node:fs/promises', 'node:crypto'] },
  { path: 'node/storage/process-identity.ts', allowed: ['node:fs/promises', 'process'] },
  { path: 'node/transport/sockets.ts', allowed: ['node:net'] },
  // It wires a node of the real world together.
  { path: 'engines/raft/raft-node.ts', allowed: ['node:crypto', 'Math.random'] },
  { path: 'engines/raft/backup.ts', allowed: ['node:crypto'] },
];

/** A hash is a function of its input; what else `node:crypto` has is randomness. */
function isPure({ specifier, names }: Import): boolean {
  if (specifier !== 'node:crypto') return pureModules.includes(specifier);
  return names.length > 0 && names.every((name) => name === 'createHash');
}

function checkRoom(room: string, file: SourceFile): readonly string[] {
  if (!file.path.startsWith(`${library}${room}/`)) return [];
  const allowed = exceptions
    .filter(({ path }) => file.path === library + path)
    .flatMap((exception) => exception.allowed);
  const banned = (bannedIn[room] ?? []).filter((name) => !allowed.includes(name));
  const names = nodes(file).flatMap((node) => {
    const name = nameOf(node);
    return name !== null && banned.includes(name) ? [at(file, node, `${room}/ may not use ${name}`)] : [];
  });
  const mayBePure = room === 'node' || room === 'engines';
  const modules = imports(file).flatMap((found) => {
    const { specifier, node, typeOnly } = found;
    if (!specifier.startsWith('node:') || allowed.includes(specifier)) return [];
    return mayBePure && (typeOnly || isPure(found)) ? [] : [at(file, node, `${room}/ may not import ${specifier}`)];
  });
  return [...names, ...modules];
}

/**
 * The global that a node of the tree uses, null when it uses none. `Math.random` and the like are names of two parts.
 */
function nameOf(node: ts.Node): string | null {
  if (ts.isAwaitExpression(node)) return 'await';
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async';
  if (ts.isPropertyAccessExpression(node)) return node.getText().replaceAll(/\s/g, '');
  return ts.isIdentifier(node) && isValue(node) ? node.text : null;
}

/** True unless the identifier is the name of a property, a declaration or a type. */
function isValue(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isTypeReferenceNode(parent) || ts.isQualifiedName(parent) || ts.isExpressionWithTypeArguments(parent))
    return false;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  return (parent as { name?: ts.Node }).name !== node;
}

const sample = (file: string, text: string) => ({ path: `${library}${file}`, text });

export const purityRules: readonly Rule[] = [
  {
    name: 'core/ takes no time, randomness, promise or module of Node',
    check: (file) => checkRoom('core', file),
    bad: [
      sample('core/log.ts', 'const now = Date.now();'),
      sample('core/log.ts', 'const now = new Date();'),
      sample('core/log.ts', 'const x = Math.random();'),
      sample('core/log.ts', 'setTimeout(tick, 50);'),
      sample('core/log.ts', 'performance.now();'),
      sample('core/log.ts', 'const { env } = process;'),
      sample('core/log.ts', 'const outside = { process };'),
      sample('core/log.ts', 'crypto.getRandomValues(bytes);'),
      sample('core/log.ts', 'globalThis.setTimeout(tick, 50);'),
      sample('core/log.ts', "import { readFileSync } from 'node:fs';"),
      sample('core/log.ts', "import type { Socket } from 'node:net';"),
      sample('core/log.ts', "const fs = await import('node:fs');"),
      sample('core/log.ts', 'export async function step() {}'),
      sample('core/log.ts', 'const later = Promise.resolve();'),
    ],
    good: [
      sample('core/log.ts', 'interface Options { random: () => number; process: number; date: Date }'),
      sample('core/log.ts', 'const x = options.process + entry.performance; // Date.now()'),
    ],
  },
  {
    name: 'reads/ takes no time, randomness or module of Node',
    check: (file) => checkRoom('reads', file),
    bad: [
      sample('reads/reader.ts', 'const timer = setTimeout(expire, 50);'),
      sample('reads/reader.ts', 'clearTimeout(timer);'),
      sample('reads/reader.ts', 'const signal = AbortSignal.timeout(50);'),
      sample('reads/reader.ts', 'const now = Date.now();'),
      sample('reads/reader.ts', 'performance.now();'),
      sample('reads/reader.ts', 'Math.random();'),
      sample('reads/reader.ts', 'process.nextTick(wake);'),
      sample('reads/reader.ts', "import { EventEmitter } from 'node:events';"),
    ],
    good: [sample('reads/reader.ts', 'const signal = AbortSignal.any([a, b]); await Promise.race([x, y]);')],
  },
  {
    name: 'node/ takes time, randomness, disk and network in the files of the seams only',
    check: (file) => checkRoom('node', file),
    bad: [
      sample('node/loop.ts', 'const now = Date.now();'),
      sample('node/loop.ts', 'setImmediate(turn);'),
      sample('node/loop.ts', "import { open } from 'node:fs/promises';"),
      sample('node/loop.ts', "import { setTimeout as sleep } from 'node:timers/promises';"),
      sample('node/storage/segment.ts', "import fs from 'node:fs';"),
      sample('node/storage/segment.ts', "import { randomBytes } from 'node:crypto';"),
      sample('node/storage/segment.ts', "import { createHash, randomUUID } from 'node:crypto';"),
      sample('node/storage/segment.ts', "import crypto from 'node:crypto';"),
      sample('node/transport/peer.ts', 'const jitter = Math.random();'),
      sample('node/clock.ts', 'const jitter = Math.random();'),
    ],
    good: [
      sample('node/formation.ts', "import { createHash } from 'node:crypto';"),
      sample('node/transport/peer.ts', "import type { Socket } from 'node:net';"),
      sample('node/storage/record.ts', "import { crc32 } from 'node:zlib'; const b = Buffer.alloc(8);"),
    ],
  },
  {
    name: 'engines/ take time and randomness from the seams of node/',
    check: (file) => checkRoom('engines', file),
    bad: [
      sample('engines/raft/raft-node.ts', 'const timer = setInterval(tick, 50);'),
      sample('engines/raft/raft-fsm.ts', "import { randomBytes } from 'node:crypto';"),
    ],
  },
];
