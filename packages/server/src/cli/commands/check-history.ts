/**
 * `quorate check-history FILE`: whether a recorded history is linearizable. Its exit codes are verdicts (0
 * linearizable, 1 not, 2 unknown), so that nothing else may ever end with one of them: everything else ends with 64.
 */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { Command } from 'commander';
import type { CheckResult, HistoryFormat, Model } from 'quorate/testing';
import { CommandFailed, EXIT } from '../exit-code.js';
import { flag, wholeNumber } from '../flags.js';
import { print, printJson } from '../output.js';

interface CheckHistoryFlags {
  readonly model?: Model;
  readonly format?: HistoryFormat;
  readonly timeLimitMs: number;
  readonly json?: boolean;
}

const EXIT_CODES = {
  linearizable: EXIT.done,
  'not-linearizable': EXIT.notLinearizable,
  unknown: EXIT.verdictUnknown,
} as const;

export function checkHistoryCommand(): Command {
  return new Command('check-history')
    .summary('judge a recorded history')
    .description(
      'tell whether a recorded history is linearizable, and if not, why.\n' +
        'Exit codes: 0 linearizable, 1 not, 2 unknown (a limit was reached), 64 no verdict: the file is no history.',
    )
    .argument('<file>', 'the file, or - for standard input')
    .addOption(
      flag(
        '--model <model>',
        'what is read and written (default: kv for put, append and get, else cas-register)',
      ).choices(['register', 'cas-register', 'kv']),
    )
    .addOption(
      flag('--format <format>', 'how it is written down (default: what it looks like)').choices([
        'jsonl',
        'edn',
        'jepsen',
        'porcupine-kv',
      ]),
    )
    .addOption(
      flag('--time-limit-ms <n>', 'give up after this time').argParser(wholeNumber(1, 86_400_000)).default(60_000),
    )
    .addOption(flag('--json', 'print JSON'))
    .action(checkHistoryFile);
}

async function checkHistoryFile(file: string, flags: CheckHistoryFlags): Promise<void> {
  const source = await readText(file);
  // Loaded here: no other command needs the test kit.
  const { checkOperations, defaultModel, detectFormat, MalformedHistory, parseHistory } = await import(
    'quorate/testing'
  );
  try {
    const format = flags.format ?? detectFormat(source);
    const operations = parseHistory(source, format);
    const model = flags.model ?? defaultModel(operations);
    const result = checkOperations(operations, { model, timeLimitMs: flags.timeLimitMs });
    await report(file, { format, model, ...result }, flags.json === true);
  } catch (error) {
    if (!(error instanceof MalformedHistory)) throw error;
    throw new CommandFailed(EXIT.noVerdict, `${file} is no history that can be judged: ${error.message}`);
  }
}

type Report = CheckResult & { readonly format: HistoryFormat; readonly model: Model };

async function report(file: string, { explanation, ...report }: Report, json: boolean): Promise<void> {
  const { verdict, operations, keys, format, model } = report;
  const exitCode = EXIT_CODES[verdict];
  // It holds even if nobody reads what is printed.
  process.exitCode = exitCode;
  if (json) await printJson({ ...report, explanation });
  else {
    const counted = `${count(operations, 'operation')}, ${count(keys, 'key')}`;
    await print(`${verdict}: ${counted}, model ${model}, format ${format}\n`);
    if (explanation !== null) await print(`${explanation}\n`);
  }
  if (exitCode === EXIT.notLinearizable) throw new CommandFailed(exitCode, `${file} is not linearizable`);
  if (exitCode === EXIT.verdictUnknown) throw new CommandFailed(exitCode, `no verdict on ${file} within the limits`);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Bytes that are no text must not become the same text: it is compared. */
async function readText(file: string): Promise<string> {
  try {
    const bytes = file === '-' ? await buffer(process.stdin) : await readFile(file);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8' : (code ?? message);
    throw new CommandFailed(EXIT.noVerdict, `${file} cannot be read (${reason})`);
  }
}
