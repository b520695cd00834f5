/**
 * Flags of the command line. Every one of them can be given by an environment variable as well: `--data-dir` is
 * QUORATE_DATA_DIR.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { Client, type ClientOptions } from 'quorate/client';

export const DEFAULT_ENDPOINTS = ['http://127.0.0.1:4001', 'http://127.0.0.1:4002', 'http://127.0.0.1:4003'];

/** A flag with its environment variable. A flag without a value is off when its variable is empty, 0, false or no. */
export function flag(flags: string, description: string): Option {
  const option = new Option(flags, description);
  const variable = `QUORATE_${option.name().toUpperCase().replaceAll('-', '_')}`;
  const isBoolean = !option.required && !option.optional;
  if (isBoolean && /^(|0|false|no)$/i.test(process.env[variable] ?? '')) return option;
  return option.env(variable);
}

/** For `argParser`: a whole number. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

export interface ClientFlags {
  readonly endpoints: readonly string[];
  readonly timeoutMs: number;
  readonly json?: boolean;
}

/** The flags of every command that talks to servers. `timeoutMs`: the longest deadline, and the default. */
export function withClientFlags(command: Command, timeoutMs = { most: 60_000, byDefault: 5_000 }): Command {
  const list = (text: string) => text.split(',').map((part) => part.trim());
  return command
    .addOption(
      flag('--endpoints <urls>', 'servers to talk to, separated by commas')
        .argParser(list)
        .default(DEFAULT_ENDPOINTS, DEFAULT_ENDPOINTS.join(',')),
    )
    .addOption(
      flag('--timeout-ms <n>', 'deadline with all retries')
        .argParser(wholeNumber(1, timeoutMs.most))
        .default(timeoutMs.byDefault),
    )
    .addOption(flag('--json', 'print JSON'));
}

export interface ReadFlags extends ClientFlags {
  readonly level: 'linearizable' | 'session' | 'local' | 'lease' | 'bounded';
  readonly token?: string;
  readonly minIndex?: number;
}

export function withReadFlags(command: Command): Command {
  return withClientFlags(command)
    .addOption(
      flag('--level <level>', 'how fresh the answer has to be (lease and bounded: not there yet)')
        .choices(['linearizable', 'session', 'local', 'lease', 'bounded'])
        .default('linearizable'),
    )
    .addOption(flag('--token <token>', 'see everything that the answer with this token saw'))
    .addOption(
      flag('--min-index <n>', 'see everything up to this index').argParser(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
    );
}

export interface WriteFlags extends ClientFlags {
  readonly ifTerm?: number;
  readonly idempotencyKey?: string;
  readonly token?: string;
}

export function withWriteFlags(command: Command): Command {
  return withClientFlags(command)
    .addOption(
      flag('--if-term <n>', 'only when it is applied in this term').argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER)),
    )
    .addOption(flag('--idempotency-key <key>', 'names this write: sent again with the same key, it is applied once'))
    .addOption(
      flag('--token <token>', 'with a key: a token from before its first use; fails when the key may be forgotten'),
    );
}

export interface KeyWriteFlags extends WriteFlags {
  readonly ifVersion?: number;
}

export function withKeyWriteFlags(command: Command): Command {
  return withWriteFlags(command).addOption(
    flag('--if-version <n>', 'only when the key has this version (0: only when it does not exist)').argParser(
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
    ),
  );
}

/** Runs `work` with a client, and closes it whatever happens. */
export async function withClient<R>(
  flags: ClientFlags,
  work: (client: Client) => Promise<R>,
  options: Partial<ClientOptions> = {},
): Promise<R> {
  const client = new Client({ endpoints: flags.endpoints, timeoutMs: flags.timeoutMs, ...options });
  try {
    return await work(client);
  } finally {
    client.close();
  }
}
