/**
 * What the end of a log looks like after a crash is cut off and the node catches up; a bit that flipped in an
 * acknowledged entry is something else: the node refuses to start and says where, and starts again once the bit is
 * put back.
 */
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { closeConnections } from '../support/http.js';
import { ServerCluster, type ServerProcess } from '../support/server-cluster.js';
import type { ScenarioContext } from './support/scenario.js';

export const defaults = { writes: 200 };

const RECORD_MAGIC = 'QREC';
const RECORD_ALIGNMENT = 64;

export async function run(options: typeof defaults, { progress }: ScenarioContext) {
  await using cluster = await ServerCluster.start();
  const node = cluster.node('n3');
  const other = cluster.node('n1');
  for (let i = 0; i < options.writes; i++) await node.put(`key-${i}`, `value-${i}-acknowledged`);

  progress('a torn write at the end of the log');
  await node.kill();
  const torn = tearTail(node);
  await other.put('while-down', 'new');
  node.start();
  await node.ready();
  const caughtUp = (await node.get('while-down', '?level=local')).body.toString() === 'new';
  const kept = (await node.get('key-0')).body.toString() === 'value-0-acknowledged';
  const tornSaid = node.log.includes('"offset"') && node.log.includes(torn.segment);

  progress('a flipped bit in an acknowledged entry');
  await node.kill();
  const flip = flipBit(node, `value-${Math.floor(options.writes / 2)}-acknowledged`);
  const logBefore = node.log.length;
  node.start();
  const exitCode = await node.exited();
  const words = node.log.slice(logBefore);
  const refused = exitCode === 1 && words.includes(flip.segment) && /from entry \d+ on/.test(words);

  progress('the bit is put back');
  flip.undo();
  node.start();
  await node.ready();
  const servesAgain = (await node.get('key-0')).body.toString() === 'value-0-acknowledged';
  closeConnections();
  const ok = caughtUp && kept && tornSaid && refused && servesAgain;
  return { ok, torn, tornSaid, caughtUp, kept, flipped: flip.segment, exitCode, refused, servesAgain, words };
}

function segments(node: ServerProcess): readonly string[] {
  return readdirSync(join(node.dataDir, 'log')).sort();
}

/** Leaves half a record behind the last one, as a crash in the middle of a write does. */
function tearTail(node: ServerProcess): { segment: string; offset: number } {
  const segment = segments(node).at(-1) as string;
  const file = join(node.dataDir, 'log', segment);
  const bytes = readFileSync(file);
  const records: number[] = [];
  for (let at = 0; at < bytes.length; at += RECORD_ALIGNMENT) {
    if (bytes.toString('latin1', at, at + RECORD_MAGIC.length) === RECORD_MAGIC) records.push(at);
  }
  const last = records.at(-1) as number;
  // The length of the payload stands behind magic and checksum; the header has 44 bytes.
  const end = last + 44 + bytes.readUInt32BE(last + 8);
  const offset = Math.ceil(end / RECORD_ALIGNMENT) * RECORD_ALIGNMENT;
  overwrite(file, offset, bytes.subarray(last, last + 40));
  return { segment, offset };
}

function flipBit(node: ServerProcess, value: string): { segment: string; undo: () => void } {
  for (const segment of segments(node)) {
    const file = join(node.dataDir, 'log', segment);
    const at = readFileSync(file).indexOf(value);
    if (at < 0) continue;
    const original = readFileSync(file).subarray(at, at + 1);
    overwrite(file, at, Buffer.from([(original[0] as number) ^ 0x10]));
    return { segment, undo: () => overwrite(file, at, original) };
  }
  throw new Error(`no segment holds ${value}`);
}

function overwrite(file: string, position: number, bytes: Uint8Array): void {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, bytes, 0, bytes.length, position);
  closeSync(descriptor);
}
