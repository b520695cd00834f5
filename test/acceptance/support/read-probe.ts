/**
 * Reads one key of one server, one read after the other, and notes how long each took and when one was answered: what a
 * user of that server sees while something else goes on.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ask } from '../../support/http.js';
import type { ServerProcess } from '../../support/server-cluster.js';

const BETWEEN_MS = 2;

export class ReadProbe {
  /** Of the reads that were answered, in milliseconds. */
  readonly tookMs: number[] = [];
  failed = 0;
  /** Versions of the key that went back from one answer to the next. */
  wentBack = 0;
  /** The longest time without an answer. */
  longestGapMs = 0;
  readonly #node: ServerProcess;
  readonly #query: string;
  #running: Promise<void> | null = null;
  #stopped = false;
  #version = 0;

  /** `query`: of the read, such as `?level=local`. */
  constructor(node: ServerProcess, query = '') {
    this.#node = node;
    this.#query = query;
  }

  start(): this {
    this.#running = this.#run();
    return this;
  }

  /** Resolves when the last read is over. */
  async stop(): Promise<this> {
    this.#stopped = true;
    await this.#running;
    return this;
  }

  async #run(): Promise<void> {
    let answeredAt = performance.now();
    while (!this.#stopped) {
      const beganAt = performance.now();
      const { status, headers } = await ask(`${this.#node.url}/v1/kv/probe${this.#query}`, { timeoutMs: 15_000 });
      const now = performance.now();
      if (status === 200) {
        this.tookMs.push(now - beganAt);
        this.longestGapMs = Math.max(this.longestGapMs, Math.round(now - answeredAt));
        answeredAt = now;
        const version = Number(headers['quorate-version']);
        if (version < this.#version) this.wentBack += 1;
        this.#version = version;
      } else {
        this.failed += 1;
      }
      await pause(BETWEEN_MS);
    }
    this.longestGapMs = Math.max(this.longestGapMs, Math.round(performance.now() - answeredAt));
  }
}
