/**
 * The options of the TCP transport, checked once. Nothing else may put a default or a range beside these.
 */
import { checkInteger, InvalidArgument } from '../../errors/index.js';
import type { Clock } from '../clock.js';
import { type Logger, silentLogger } from '../logger.js';
import type { Address } from './sockets.js';

export interface TcpTransportOptions {
  /** The name of this node. */
  readonly id: string;
  /** Where to listen; port 0 lets the system choose (`TcpTransport.port` tells). */
  readonly listen: Address;
  /** Where each peer listens. This node may be among them. */
  readonly peers: Readonly<Record<string, Address>>;
  readonly clock: Clock;
  /** A number in [0, 1), for the jitter of reconnections. */
  readonly random: () => number;
  /** Default: silent. */
  readonly logger?: Logger | undefined;
  /** The longest message, encoded, in bytes; a peer that announces more is dropped. Default 16 MiB, 64 KiB to 1 GiB. */
  readonly maxFrameBytes?: number | undefined;
  /** How many bytes a stream gives to its socket before it waits for some of them to be sent. Default 1 MiB. */
  readonly maxUnsentBytes?: number | undefined;
  /** How many messages wait behind that, per stream. Default 16,384. */
  readonly maxQueuedMessages?: number | undefined;
  /** How many bytes wait behind that, per stream; the last message may go beyond it. Default 64 MiB. */
  readonly maxQueuedBytes?: number | undefined;
  /**
   * How long a connection may take from dialling, or from being accepted, to the end of the hand-shake. Default 2,000
   * ms.
   */
  readonly handshakeTimeoutMs?: number | undefined;
  /** A connection over which the peer shows no life for so long is made anew. Default 5,000 ms. */
  readonly silenceTimeoutMs?: number | undefined;
  /** The pause after the first failed attempt to connect; doubles with each further one. Default 50 ms. */
  readonly reconnectMinMs?: number | undefined;
  /** The longest pause between two attempts. Default 1,000 ms. */
  readonly reconnectMaxMs?: number | undefined;
}

export type TcpTransportSettings = { readonly [K in keyof TcpTransportOptions]-?: NonNullable<TcpTransportOptions[K]> };

const LARGEST = Number.MAX_SAFE_INTEGER;
/** Beyond this, `setTimeout` fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Fills in the defaults. Throws {@link InvalidArgument}. */
export function tcpTransportSettings(options: TcpTransportOptions): TcpTransportSettings {
  if (options.id === '') throw new InvalidArgument({ field: 'id', expected: 'a name', received: options.id });
  checkAddress('listen', options.listen, 0);
  for (const [name, address] of Object.entries(options.peers)) checkAddress(`peers.${name}`, address, 1);
  const number = (field: NumberOption, fallback: number, least: number, most: number) =>
    checkInteger(field, options[field] ?? fallback, least, most);
  const reconnectMinMs = number('reconnectMinMs', 50, 1, LONGEST_TIMER_MS);
  return {
    ...options,
    logger: options.logger ?? silentLogger,
    maxFrameBytes: number('maxFrameBytes', 16 * 1024 * 1024, 64 * 1024, 1024 * 1024 * 1024),
    maxUnsentBytes: number('maxUnsentBytes', 1024 * 1024, 1, LARGEST),
    maxQueuedMessages: number('maxQueuedMessages', 16_384, 1, LARGEST),
    maxQueuedBytes: number('maxQueuedBytes', 64 * 1024 * 1024, 1, LARGEST),
    handshakeTimeoutMs: number('handshakeTimeoutMs', 2_000, 1, LONGEST_TIMER_MS),
    silenceTimeoutMs: number('silenceTimeoutMs', 5_000, 4, LONGEST_TIMER_MS),
    reconnectMinMs,
    reconnectMaxMs: number('reconnectMaxMs', Math.max(1_000, reconnectMinMs), reconnectMinMs, LONGEST_TIMER_MS),
  };
}

type NumberOption = {
  [K in keyof TcpTransportSettings]: TcpTransportSettings[K] extends number ? K : never;
}[keyof TcpTransportSettings];

function checkAddress(field: string, address: Address, leastPort: number): void {
  if (address.host === '') {
    throw new InvalidArgument({ field: `${field}.host`, expected: 'a host name or address', received: address.host });
  }
  checkInteger(`${field}.port`, address.port, leastPort, 65_535);
}
