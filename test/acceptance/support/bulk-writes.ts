/**
 * Many writes, as fast as servers take them: what a server that was away has to catch up with. Every one of them is
 * acknowledged in the end; a key is written again when it is not known whether it was.
 */
import type { ServerProcess } from '../../support/server-cluster.js';

export interface BulkWrites {
  /** Keys `bulk-1` to `bulk-COUNT`. */
  readonly count: number;
  readonly bytes: number;
  readonly progress: (written: number) => void;
  readonly signal: AbortSignal;
}

const AT_A_TIME = 64;
const PROGRESS_EVERY = 10_000;

/** Resolves when all of them are acknowledged, or `signal` fires. */
export async function writeInBulk(nodes: readonly ServerProcess[], options: BulkWrites): Promise<void> {
  const { count, bytes, progress, signal } = options;
  let next = 1;
  const run = async (node: ServerProcess) => {
    while (next <= count && !signal.aborted) {
      const number = next++;
      const value = Buffer.alloc(bytes, `value of ${number} `);
      while ((await node.put(`bulk-${number}`, value)).status !== 200 && !signal.aborted);
      if (number % PROGRESS_EVERY === 0) progress(number);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, (_, i) => run(nodes[i % nodes.length] as ServerProcess)));
}
