/** What damage may strike on a simulated disk: only what a later durable write was made in reliance on. */
import { describe, expect, it } from 'vitest';
import { SimulatedDisk } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';

const path = '/data/log/1.log';
const bytes = (length: number) => new Uint8Array(length).fill(7);

async function written(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ random: () => 0 });
  await disk.makeDirectory('/data/log');
  const file = await disk.open(path, 'create');
  await file.writeDurably(bytes(100), 0);
  await disk.syncDirectory('/data/log');
  expect(disk.reliedOnBytes(path)).toBe(0);
  await file.writeDurably(bytes(50), 128);
  // Under way when the process ends: nothing may rely on what was written just before it.
  await file.write(bytes(50), 192);
  return disk;
}

describe('what a file was relied on for', () => {
  it('ends in front of the write that was made durable last', async () => {
    expect((await written()).reliedOnBytes(path)).toBe(128);
  });

  it.each(['lost', 'kept'] as const)('is the same after a loss of power, with the rest %s', async (mode) => {
    const disk = await written();
    expect(disk.crash(mode).reliedOnBytes(path)).toBe(128);
  });

  it('is the same after the end of its process', async () => {
    const disk = await written();
    expect(disk.kill().reliedOnBytes(path)).toBe(128);
  });
});
