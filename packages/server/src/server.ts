/**
 * One server: a store behind HTTP, from start to stop. It must never serve before the store is open, nor leave
 * anything open when it could not start.
 */
import { type Logger, silentLogger } from 'quorate';
import { Canceled, InvalidArgument } from 'quorate/errors';
import { isWildcard, parseAddress } from './address.js';
import { HttpServer } from './http/http-server.js';
import { ServerMetrics } from './metrics/server-metrics.js';
import { RaftStore, type RaftStoreOptions } from './store/raft-store.js';
import type { Store } from './store/store.js';

export interface ServerOptions extends Omit<RaftStoreOptions, 'url' | 'listen'> {
  /** `HOST:PORT` for HTTP; port 0 takes any. Default `127.0.0.1:4001`. */
  readonly listen?: string;
  /** `HOST:PORT` for the peers. Default: this node's own address in `peers`. */
  readonly peerListen?: string;
  /** The HTTP address that others are told. Default: where it listens, or none when that is all interfaces. */
  readonly advertise?: string;
  /** The largest value, in bytes. Default 1 MiB. */
  readonly maxValueBytes?: number;
  /** Median delay of the event loop above which requests for keys are refused, in milliseconds. Default 100. */
  readonly maxLoopDelayMs?: number;
  /** Gives the start up. Has no effect once the server runs: `close` it. */
  readonly signal?: AbortSignal;
  /** Wraps the store, for tests. Default: none. */
  readonly wrapStore?: (store: Store) => Store;
}

export interface Server {
  /** Where HTTP listens. */
  readonly url: string;
  readonly store: Store;
  /**
   * Settles when the node has stopped: null after `close`, the error when it failed. Then only `close` is left to do.
   */
  readonly stopped: Promise<Error | null>;
  /** Hands the leadership over, lets the requests under way end, stops. Safe to call more than once. */
  close(): Promise<void>;
}

/** How long `close` waits for another leader, and then for the requests under way, in milliseconds. */
const TRANSFER_TIMEOUT_MS = 1_000;
const DRAIN_TIMEOUT_MS = 3_000;
const DEFAULT_MAX_VALUE_BYTES = 1024 * 1024;
/** A command is its values, all its keys and what says what to do with them. */
const COMMAND_OVERHEAD_BYTES = 512 * 1024;

/**
 * Resolves when the node is open and HTTP serves; elections go on in the background. Rejects as `RaftNode.open` and
 * listen do.
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { listen = '127.0.0.1:4001', peerListen, advertise, wrapStore = (store) => store, ...rest } = options;
  const { maxValueBytes, maxLoopDelayMs, signal, ...storeOptions } = rest;
  if (!Object.hasOwn(options.peers, options.id)) {
    const expected = `a list that names this node: add ${options.id}=HOST:PORT, or start it under another id`;
    throw new InvalidArgument({ field: 'peers', expected, received: Object.keys(options.peers).join(',') });
  }
  const logger = options.logger ?? silentLogger;
  const metrics = new ServerMetrics(options.id);
  const http = new HttpServer({ logger, metrics, ...defined({ maxValueBytes, maxLoopDelayMs }) });
  try {
    const { host, port } = parseAddress(listen, 'listen');
    const url = await http.listen(host, port);
    const store = wrapStore(
      await RaftStore.open({
        ...storeOptions,
        maxCommandBytes: (maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES) + COMMAND_OVERHEAD_BYTES,
        ...(peerListen === undefined ? {} : { listen: peerListen }),
        url: advertise ?? (isWildcard(host) ? null : url),
      }),
    );
    if (signal?.aborted) {
      await store.close();
      throw new Canceled({ cause: signal.reason });
    }
    http.attach(store);
    let closing: Promise<void> | null = null;
    const close = () => (closing ??= stop(store, http, logger).finally(() => metrics.close()));
    return { url, store, stopped: store.stopped, close };
  } catch (error) {
    metrics.close();
    await http.close(0);
    throw error;
  }
}

async function stop(store: Store, http: HttpServer, logger: Logger): Promise<void> {
  http.drain();
  const { role, members } = store.status();
  if (role === 'leader' && members.length > 1) {
    try {
      await store.transferLeadership(undefined, { timeoutMs: TRANSFER_TIMEOUT_MS });
    } catch (error) {
      // Nobody to hand over to is no reason to go on running: the others elect a leader by themselves.
      logger.warn({ reason: error instanceof Error ? error.message : String(error) }, 'leadership was not handed over');
    }
  }
  await http.close(DRAIN_TIMEOUT_MS);
  await store.close();
}

/** Leaves out what is undefined. */
function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
