/**
 * What the directory under `fixtures/format-1` holds, and how it was written. It must never change: directories like it
 * are out there. A new format gets a fixture of its own beside it.
 */
import type { Entry, HardState } from '../../../packages/quorate/src/core/index.js';
import type { Formation } from '../../../packages/quorate/src/node/identity.js';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { openDirectory } from '../../../packages/quorate/src/node/storage/data-directory.js';
import type { SimulatedDisk } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';
import { ManualClock } from '../../support/manual-clock.js';
import { newDisk } from './open-log.js';

export const goldenIncarnation = 'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf';

export const goldenFormation: Formation = {
  cluster: 'quorate',
  clusterId: '5e9f7d1c3b2a49688776655443322110ffeeddccbbaa99887766554433221100',
  members: [
    { id: 'n1', incarnation: goldenIncarnation },
    { id: 'n2', incarnation: 'b0b1b2b3b4b5b6b7b8b9babbbcbdbebf' },
  ],
};

export const goldenHardState: HardState = { term: 3, vote: 'n2', commit: 3 };

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const proposal = { origin: 123_456_789_012_345, sequence: 42 };

export const goldenEntries: readonly Entry[] = [
  { index: 1, term: 1, kind: 'no-op', timestampMs: 1_700_000_000_000, proposal: null, data: bytes('') },
  { index: 2, term: 1, kind: 'command', timestampMs: 1_700_000_000_001, proposal, data: bytes('grüezi') },
  {
    index: 3,
    term: 3,
    kind: 'configuration',
    timestampMs: 1_700_000_000_002,
    proposal: null,
    data: bytes('{"voters":[]}'),
  },
  { index: 4, term: 3, kind: 'command', timestampMs: 1_700_000_000_003, proposal, data: bytes('end') },
];

/** Superseded by the third of the entries above. */
const superseded: Entry = {
  index: 3,
  term: 2,
  kind: 'command',
  timestampMs: 1,
  proposal: null,
  data: bytes('superseded'),
};

/** Writes the directory anew, in two lives. */
export async function writeGoldenDirectory(): Promise<SimulatedDisk> {
  const disk = newDisk(1);
  const randomBytes = () => Uint8Array.from({ length: 16 }, (_, i) => 0xa0 + i);
  const shared = { disk, randomBytes, clock: new ManualClock(), logger: silentLogger, segmentBytes: 8192 };
  const open = () => openDirectory({ ...shared, path: '/data', id: 'n1', cluster: 'quorate' });
  const first = await open();
  await first.persistFormation(goldenFormation);
  const { log } = await first.openLog(goldenFormation);
  await log.append({ hardState: { term: 1, vote: 'n1', commit: 0 }, entries: goldenEntries.slice(0, 2) });
  await log.append({ hardState: { term: 2, vote: null, commit: 2 }, entries: [superseded] });
  await log.close();
  await first.close();
  const second = await open();
  const { log: again } = await second.openLog(goldenFormation);
  await again.append({ hardState: { term: 3, vote: 'n2', commit: 2 }, entries: goldenEntries.slice(2, 3) });
  await again.append({ hardState: goldenHardState, entries: goldenEntries.slice(3) });
  await again.close();
  await second.close();
  return disk;
}
