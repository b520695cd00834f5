/**
 * How the tests run: sources are tested as they are, without a build; tests that need real processes build first
 * (scripts/test.mjs). It must never set a retry: a test that fails once is a defect of the product or of the test.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^quorate$/, replacement: source('packages/quorate/src/index.ts') },
      { find: /^quorate\/(.+)$/, replacement: source('packages/quorate/src/$1/index.ts') },
      { find: /^quorate-server$/, replacement: source('packages/server/src/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    pool: 'forks',
  },
});
