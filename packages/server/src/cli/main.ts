#!/usr/bin/env node
/** The command `quorate`: what the process itself needs around it. Everything else is in program.ts. */
import { EXIT } from './exit-code.js';
import { failureCodeOf, run } from './program.js';

// `quorate list | head` is no failure: whoever reads has read enough. A verdict stands, read or not.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? EXIT.done);
  process.stderr.write(`quorate: standard output cannot be written: ${error.message}\n`);
  process.exit(failureCodeOf(process.argv));
});

process.exitCode = await run(process.argv);
