/**
 * `quorate serve`: runs one server until a signal, or until its node fails. It must never go on without its node, nor
 * end with a stack.
 */
import { Command } from 'commander';
import { DiskStalled, InvalidArgument } from 'quorate/errors';
import { parseAddress } from '../../address.js';
import type { Server } from '../../server.js';
import { endAtOnce } from '../end-process.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { flag, wholeNumber } from '../flags.js';
import { print, printError } from '../output.js';
import { startFailure } from '../start-failure.js';
import { stopOnSignals } from '../stop-signals.js';

interface ServeFlags {
  readonly id: string;
  readonly dataDir: string;
  readonly listen: string;
  readonly peerListen?: string;
  readonly peers: Readonly<Record<string, string>>;
  readonly cluster: string;
  readonly advertise?: string;
  readonly peerAdvertise?: string;
  readonly store: 'lmdb' | 'memory';
  readonly engine: 'raft';
  readonly maxValueBytes: number;
  readonly keptRequests: number;
  readonly snapshotEntries: number;
  readonly watchHistory: number;
  readonly watchHistoryBytes: number;
  readonly logLevel: string;
  readonly stopWithParent?: boolean;
}

/** From the first signal on, in milliseconds: more than an orderly stop takes, less than those wait who send it. */
const STOP_LIMIT_MS = 9_500;

export function serveCommand(): Command {
  return new Command('serve')
    .description('run one server; logs (JSON) go to standard error')
    .addOption(flag('--id <name>', "this node's name").makeOptionMandatory())
    .addOption(flag('--data-dir <dir>', 'its directory; created when missing').makeOptionMandatory())
    .addOption(
      flag('--peers <list>', 'the whole initial group, this node included: n1=HOST:PORT,n2=HOST:PORT,...')
        .argParser((text) => text)
        .makeOptionMandatory(),
    )
    .addOption(flag('--listen <host:port>', 'where HTTP listens').default('127.0.0.1:4001'))
    .addOption(flag('--peer-listen <host:port>', 'where the peers are listened to (default: its address in --peers)'))
    .addOption(flag('--cluster <name>', 'the name of the cluster; all its nodes must agree').default('quorate'))
    .addOption(flag('--advertise <url>', 'the HTTP address that others are told (default: where it listens)'))
    .addOption(flag('--peer-advertise <host:port>', 'the address the peers connect to; must be the one in --peers'))
    .addOption(
      flag('--store <kind>', 'where the state is kept: on the disk, within --data-dir, or in memory')
        .choices(['lmdb', 'memory'])
        .default('lmdb'),
    )
    .addOption(flag('--engine <kind>', 'what replicates it').choices(['raft']).default('raft'))
    .addOption(
      flag('--max-value-bytes <n>', 'the largest value')
        .argParser(wholeNumber(1, 7 * 1024 * 1024))
        .default(1024 * 1024),
    )
    .addOption(
      flag('--kept-requests <n>', 'idempotency keys that are remembered; the same on all servers')
        .argParser(wholeNumber(1, 1_000_000))
        .default(100_000),
    )
    .addOption(
      flag(
        '--snapshot-entries <n>',
        'entries after which the state is written to a snapshot, and the log cut behind it',
      )
        .argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER))
        .default(8_192),
    )
    .addOption(
      flag('--watch-history <n>', 'entries that are kept for watches to go on from')
        .argParser(wholeNumber(1, 10_000_000))
        .default(100_000),
    )
    .addOption(
      flag('--watch-history-bytes <n>', 'how much memory they may take')
        .argParser(wholeNumber(1, 2 ** 40))
        .default(64 * 1024 * 1024),
    )
    .addOption(
      flag('--log-level <level>', 'what is logged')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .addOption(flag('--stop-with-parent', 'stop when the process that started this one is gone').hideHelp())
    .addHelpText(
      'after',
      '\nIt listens without authentication: keep it on loopback or a private network.' +
        '\nSIGTERM or Ctrl-C: hands the leadership over, lets requests end, stops; a second time: stops at once.' +
        '\nIt ends within 10 s in any case. One that its disk does not let go ends itself with SIGKILL.',
    )
    .action((flags: ServeFlags & { peers: unknown }) => serve({ ...flags, peers: parsePeers(String(flags.peers)) }));
}

/** Ends by a signal (exit code 0), or with the failure that stopped the node (1). */
async function serve(flags: ServeFlags): Promise<void> {
  checkFlags(flags);
  const stopRequested = stopRequests(flags.stopWithParent === true);
  stopRequested.addEventListener('abort', () => setTimeout(endOverdue, STOP_LIMIT_MS).unref(), { once: true });
  try {
    await runUntil(stopRequested, flags);
  } finally {
    // The channel to a parent would keep this process alive.
    if (process.connected) process.disconnect();
  }
}

async function runUntil(stopRequested: AbortSignal, flags: ServeFlags): Promise<void> {
  const server = await start(flags, stopRequested);
  if (server === null) return;
  const advice = `peers at ${flags.peerListen ?? flags.peers[flags.id]}, data in ${flags.dataDir}`;
  await print(`quorate ${flags.id} listens on ${server.url} (${advice})\n`);

  const stopSignal = new Promise<'signal'>((resolve) => {
    if (stopRequested.aborted) resolve('signal');
    stopRequested.addEventListener('abort', () => resolve('signal'), { once: true });
  });
  const end = await Promise.race([stopSignal, server.stopped]);
  const failure = end instanceof Error ? `the node has stopped: ${startFailure(end, flags.dataDir)}` : null;
  const stalled = await close(server, failure !== null);
  if (stalled !== null) {
    printError(new CommandFailed(EXIT.failed, failure ?? stalled.message), false);
    endAtOnce();
  }
  if (end === 'signal') process.exit(EXIT.done);
  throw new CommandFailed(EXIT.failed, failure ?? 'the node has stopped');
}

/**
 * Resolves to the error when the disk did not let the node end: then this process cannot end in good order. What else
 * goes wrong at the end of a node that has failed is in its log, and must not be told instead of the failure.
 */
async function close(server: Server, hasFailed: boolean): Promise<DiskStalled | null> {
  try {
    await server.close();
    return null;
  } catch (error) {
    if (error instanceof DiskStalled) return error;
    if (hasFailed) return null;
    throw error;
  }
}

function endOverdue(): void {
  const sentence = `the server has not ended within ${STOP_LIMIT_MS} ms: it ends as it stands`;
  printError(new CommandFailed(EXIT.failed, sentence), false);
  endAtOnce();
}

/** Null when it was told to stop while it started. */
async function start(flags: ServeFlags, signal: AbortSignal): Promise<Server | null> {
  // Loaded here: they are most of what a command loads, and no other command needs them.
  const [{ pino }, { startServer }] = await Promise.all([import('pino'), import('../../server.js')]);
  const logger = pino({ level: flags.logLevel, base: { id: flags.id } }, pino.destination({ dest: 2, sync: false }));
  const { id, dataDir, peers, cluster, listen, peerListen, advertise, maxValueBytes } = flags;
  const { store, keptRequests, snapshotEntries } = flags;
  const changeHistory = { maxEntries: flags.watchHistory, maxBytes: flags.watchHistoryBytes };
  try {
    return await startServer({
      ...{ id, dataDir, peers, cluster, listen, maxValueBytes, changeHistory, logger, signal },
      ...{ store, keptRequests, snapshotEntries },
      ...(peerListen === undefined ? {} : { peerListen }),
      ...(advertise === undefined ? {} : { advertise }),
    });
  } catch (error) {
    if (signal.aborted) return null;
    logger.debug({ err: error }, 'could not start');
    throw new CommandFailed(EXIT.failed, startFailure(error, dataDir));
  }
}

function checkFlags(flags: ServeFlags): void {
  const own = flags.peers[flags.id];
  if (own === undefined) {
    const sentence = `--peers does not name ${flags.id}: add ${flags.id}=HOST:PORT to it, or start under another --id`;
    throw new CommandFailed(EXIT.failed, sentence);
  }
  if (flags.peerAdvertise !== undefined && flags.peerAdvertise !== own) {
    const difference = `--peer-advertise is ${flags.peerAdvertise}, but --peers gives ${flags.id} as ${own}`;
    throw new CommandFailed(EXIT.failed, `${difference}: make them the same`);
  }
}

/** `n1=HOST:PORT,…`. Every name once. */
function parsePeers(text: string): Record<string, string> {
  const peers: Record<string, string> = {};
  for (const part of text.split(',')) {
    const at = part.indexOf('=');
    const name = part.slice(0, at).trim();
    const address = part.slice(at + 1).trim();
    if (at < 1 || name === '' || Object.hasOwn(peers, name)) {
      const expected = '--peers must be n1=HOST:PORT,n2=HOST:PORT,... with every name once';
      throw new CommandFailed(EXIT.failed, `${expected}; received ${JSON.stringify(text)}`);
    }
    try {
      parseAddress(address, '--peers');
    } catch (error) {
      if (error instanceof InvalidArgument) throw new CommandFailed(EXIT.failed, error.message);
      throw error;
    }
    peers[name] = address;
  }
  return peers;
}

/** Aborts at the first signal, and when the parent is gone. */
function stopRequests(stopWithParent: boolean): AbortSignal {
  const controller = stopOnSignals();
  if (stopWithParent) {
    process.once('disconnect', () => {
      if (!controller.signal.aborted) controller.abort(new Error('the parent is gone'));
    });
  }
  return controller.signal;
}
