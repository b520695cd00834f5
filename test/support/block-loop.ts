/**
 * Preloaded into a server by a test: SIGUSR2 blocks its event loop for QUORATE_TEST_BLOCK_MS, as a long synchronous
 * step would. It says so first, for a busy machine may take its time to deliver the signal.
 */
import { writeSync } from 'node:fs';

process.on('SIGUSR2', () => {
  writeSync(process.stderr.fd, 'SIGUSR2: the loop is blocked from now on\n');
  const end = performance.now() + Number(process.env.QUORATE_TEST_BLOCK_MS);
  while (performance.now() < end);
});
