#!/usr/bin/env node
/** The command `quorate`: what the process itself needs around it. Everything else is in program.ts. */
import { run } from './program.js';

// `quorate list | head` is no failure: whoever reads has read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await run(process.argv);
