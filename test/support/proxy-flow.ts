/**
 * One direction of one connection through a `TcpProxy`: a queue of chunks, each with the time at which it may pass. The
 * order is kept whatever the faults are, the end of the stream included, and the queue has a limit beyond which the
 * source is not read.
 */
import type { Socket } from 'node:net';
import type { ProxyLink } from './proxy-link.js';

/** As the kernel does: the first retransmission after this, then twice as late each time. */
const RETRANSMIT_MS = 200;
/** So many losses of one chunk end its connection. */
const LOSSES_UNTIL_BROKEN = 3;
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;

interface Item {
  readonly dueMs: number;
  /** `end`: the source will send no more. `closed`: it is gone. */
  readonly what: Buffer | 'end' | 'closed';
}

export interface ProxyFlowOptions {
  readonly source: Socket;
  /** Called when something is to pass; null when there is nobody to connect to any more. */
  readonly sink: () => Socket | null;
  readonly link: ProxyLink;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Resets both ends of the connection. */
  readonly breakConnection: () => void;
}

export class ProxyFlow {
  readonly #options: ProxyFlowOptions;
  readonly #queue: Item[] = [];
  #queuedBytes = 0;
  #lastDueMs = 0;
  #timer: NodeJS.Timeout | null = null;
  /** The sink has taken as much as it can; it will say when it can take more. */
  #full = false;
  #ended = false;

  constructor(options: ProxyFlowOptions) {
    this.#options = options;
    const { source, link } = options;
    link.add(this);
    source.on('end', () => this.#push('end'));
    source.on('close', () => this.#push('closed'));
  }

  /** The caller hands over what the source sends, for it has read the beginning. */
  write(chunk: Buffer): void {
    const { link } = this.#options;
    const lateMs = this.#lateMs();
    if (lateMs === null) {
      link.counts.broken += 1;
      this.breakConnection();
      return;
    }
    if (lateMs > 0) this.#lastDueMs = Math.max(this.#lastDueMs, performance.now() + lateMs);
    if (link.blocked) link.counts.held += 1;
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes > MAX_QUEUED_BYTES) this.#options.source.pause();
    this.#push(chunk);
  }

  breakConnection(): void {
    this.#options.breakConnection();
  }

  /** Passes on what may pass by now. */
  pump(): void {
    const { link, source } = this.#options;
    while (!this.#ended && !link.blocked && !this.#full) {
      const next = this.#queue[0];
      if (next === undefined) break;
      const waitMs = next.dueMs - performance.now();
      if (waitMs > 0) {
        this.#timer ??= setTimeout(() => {
          this.#timer = null;
          this.pump();
        }, waitMs);
        break;
      }
      this.#queue.shift();
      this.#pass(next.what);
    }
    if (this.#queuedBytes <= MAX_QUEUED_BYTES && source.isPaused()) source.resume();
  }

  /** Forgets what is queued; nothing passes any more. */
  stop(): void {
    this.#ended = true;
    this.#queue.length = 0;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#options.link.delete(this);
  }

  #pass(what: Item['what']): void {
    const sink = this.#options.sink();
    if (sink === null || what === 'closed') {
      sink?.destroy();
      this.stop();
    } else if (what === 'end') {
      sink.end();
    } else {
      this.#options.link.counts.passed += 1;
      this.#queuedBytes -= what.length;
      if (sink.write(what)) return;
      this.#full = true;
      sink.once('drain', () => {
        this.#full = false;
        this.pump();
      });
    }
  }

  #push(what: Item['what']): void {
    if (this.#ended) return;
    this.#queue.push({ dueMs: this.#lastDueMs, what });
    this.pump();
  }

  /** How late the next chunk is; null when it was lost so often that the connection breaks. */
  #lateMs(): number | null {
    const { link, random } = this.#options;
    let lateMs = link.delayMs + link.jitterMs * random();
    if (lateMs > 0) link.counts.delayed += 1;
    for (let losses = 0; random() < link.lossProbability; losses += 1) {
      link.counts.lost += 1;
      if (losses + 1 === LOSSES_UNTIL_BROKEN) return null;
      lateMs += RETRANSMIT_MS * 2 ** losses;
    }
    return lateMs;
  }
}
