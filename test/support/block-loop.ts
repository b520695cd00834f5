/**
 * Preloaded into a server by a test: SIGUSR2 blocks its event loop for QUORATE_TEST_BLOCK_MS, as a long synchronous
 * step would.
 */
process.on('SIGUSR2', () => {
  const end = performance.now() + Number(process.env.QUORATE_TEST_BLOCK_MS);
  while (performance.now() < end);
});
