/**
 * `quorate import FILE`: writes the keys of an NDJSON file, and tells what became of every line. It must never end
 * with 0 when one of them was not written.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Command } from 'commander';
import { CommandFailed, EXIT, exitCodeOf } from '../exit-code.js';
import { type ClientFlags, flag, wholeNumber, withClient, withClientFlags } from '../flags.js';
import { type ImportSummary, importLines } from '../import/importer.js';
import { splitLines } from '../import/lines.js';
import { ProgressDisplay, rate } from '../import/progress.js';
import { print, printJson } from '../output.js';

interface ImportFlags extends ClientFlags {
  readonly concurrency: number;
}

const REPEAT_FOR_MS = 30_000;

export function importCommand(): Command {
  return withClientFlags(new Command('import'))
    .summary('write the keys of an NDJSON file')
    .description(
      'write the keys of an NDJSON file: {"key","value"} with text, {"key","valueBase64"} with bytes, one a line.\n' +
        'A bad line is reported with its number and skipped (exit code 1). ' +
        'A write whose outcome is unknown is sent again.',
    )
    .argument('<file>', 'the file, or - for standard input')
    .addOption(flag('--concurrency <n>', 'writes under way at once').argParser(wholeNumber(1, 1_024)).default(64))
    .action(importFile);
}

async function importFile(file: string, flags: ImportFlags): Promise<void> {
  const total = file === '-' ? null : await sizeOf(file);
  const startedAt = performance.now();
  const now = () => performance.now();
  const display = new ProgressDisplay(process.stderr, total, now);
  const source = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 256 * 1024 });
  const summary = await withClient(flags, (client) =>
    importLines(splitLines(source), {
      concurrency: flags.concurrency,
      repeatForMs: REPEAT_FOR_MS,
      put: (key, value) => client.put(key, value),
      onError: (line, error) => {
        display.clear();
        process.stderr.write(`line ${line}: ${error.message}\n`);
      },
      onStop: () => source.destroy(),
      onProgress: (progress) => display.update(progress),
      now,
    }),
  );
  display.clear();
  await report(summary, performance.now() - startedAt, flags);
}

async function report(summary: ImportSummary, durationMs: number, flags: ImportFlags): Promise<void> {
  const { imported, errors, repeated, blank, stoppedBy } = summary;
  if (flags.json) {
    const perSecond = rate(imported, durationMs);
    await printJson({ imported, errors, repeated, blank, durationMs: Math.round(durationMs), perSecond });
  } else {
    const seconds = (durationMs / 1_000).toFixed(1);
    const again = repeated === 0 ? '' : `, ${repeated} sent again`;
    await print(
      `imported ${imported} keys in ${seconds} s (${rate(imported, durationMs)}/s), ${errors} errors${again}\n`,
    );
  }
  if (stoppedBy !== null) {
    const remedy = 'what was written stays, import the file again to finish';
    throw new CommandFailed(exitCodeOf(stoppedBy), `the import ended early: ${stoppedBy.message}; ${remedy}`);
  }
  if (errors > 0) throw new CommandFailed(EXIT.failed, `${errors} lines were not imported`);
}

async function sizeOf(file: string): Promise<number | null> {
  try {
    const found = await stat(file);
    if (found.isDirectory()) throw new CommandFailed(EXIT.failed, `${file} is a directory, not a file`);
    return found.isFile() ? found.size : null;
  } catch (error) {
    if (error instanceof CommandFailed) throw error;
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new CommandFailed(EXIT.failed, `${file} cannot be read (${reason})`);
  }
}
