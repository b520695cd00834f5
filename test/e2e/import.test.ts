/**
 * A real data set, the IANA media types as `mime-db` ships them: imported through one node, and read back
 * linearizably, key by key and as a range, through the two others, byte for byte.
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Client } from '../../packages/quorate/src/client/index.js';
import { quorate } from '../support/quorate-command.js';
import { ServerCluster, type ServerProcess } from '../support/server-cluster.js';

it('imports the media types through one node and reads them back through the others', {
  timeout: 120_000,
}, async () => {
  const mediaTypes = createRequire(import.meta.url)('mime-db') as Record<string, unknown>;
  const expected = new Map(Object.entries(mediaTypes).map(([type, facts]) => [type, JSON.stringify(facts)]));
  expect(expected.size).toBeGreaterThan(2_000);
  await using cluster = await ServerCluster.start();
  const file = join(cluster.directory, 'media-types.ndjson');
  writeFileSync(file, [...expected].map(([key, value]) => `${JSON.stringify({ key, value })}\n`).join(''));
  const [first, ...others] = cluster.nodes as [ServerProcess, ServerProcess, ServerProcess];

  const imported = await quorate('import', file, '--endpoints', first.url, '--json');
  expect(imported).toMatchObject({ code: 0 });
  for (const node of others) {
    const client = new Client({ endpoints: [node.url] });
    const range = new Map<string, string>();
    for await (const { key, value } of client.entries()) range.set(key, Buffer.from(value).toString());
    expect(range).toEqual(expected);
    for (const batch of batches([...expected], 32)) {
      const read = await Promise.all(batch.map(async ([key]) => [key, (await client.get(key)).value] as const));
      for (const [key, found] of read) expect(Buffer.from(found?.value ?? []).toString(), key).toBe(expected.get(key));
    }
    client.close();
  }
});

function batches<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
