/**
 * What only the leader does, such as a scheduler: begun once in each term that this node leads, ended when it no longer
 * does. Another node may lead by the time that this one notices, so it must never be taken for a lock: the term is the
 * fence, for writes with `ifTerm`.
 */
import type { Logger } from './logger.js';

export interface LeadershipTerm {
  readonly term: number;
  /** Aborts when this node knows that it leads this term no longer, and when it stops. */
  readonly signal: AbortSignal;
}

export interface LeaderActivity {
  /**
   * Called once in each term that this node leads, when it has applied an entry of that term, and so everything that
   * was acknowledged before. Its writes carry `ifTerm: term`. When it throws, that is logged, and it is not called
   * again in this term.
   */
  start(leadership: LeadershipTerm): void | Promise<void>;
  /** Called after each `start`, however that ended, when the term is over and `start` has settled. */
  stop(): void | Promise<void>;
}

/** One activity on one node. It never runs twice at a time. */
export class LeaderActivityRunner {
  readonly #activity: LeaderActivity;
  readonly #logger: Logger;
  /** The term that this node leads, as it knows. */
  #leads: number | null = null;
  #lastStarted = 0;
  #controller: AbortController | null = null;
  #running: Promise<void> | null = null;

  constructor(activity: LeaderActivity, logger: Logger) {
    this.#activity = activity;
    this.#logger = logger;
  }

  /** The node leads this term and has applied an entry of it; null when it leads none. */
  leads(term: number | null): void {
    if (term === this.#leads) return;
    this.#leads = term;
    const controller = this.#controller;
    // Its listeners are the caller's code, too: see `#run`.
    if (controller !== null) queueMicrotask(() => controller.abort());
    if (this.#running === null && this.#isDue) this.#running = this.#run();
  }

  /** Resolves when nothing of it runs. */
  async settled(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  /** One term after the other; terms that pass while one is being ended are left out. */
  async #run(): Promise<void> {
    // Nothing of the caller's runs in the midst of the node's own turn.
    await null;
    while (this.#isDue) {
      const term = this.#leads as number;
      this.#lastStarted = term;
      const controller = new AbortController();
      this.#controller = controller;
      const { signal } = controller;
      await this.#call('start', () => this.#activity.start({ term, signal }));
      await aborted(signal);
      this.#controller = null;
      await this.#call('stop', () => this.#activity.stop());
    }
    this.#running = null;
  }

  get #isDue(): boolean {
    return this.#leads !== null && this.#leads !== this.#lastStarted;
  }

  /** What the caller's code throws must not end the node. */
  async #call(name: 'start' | 'stop', run: () => void | Promise<void>): Promise<void> {
    try {
      await run();
    } catch (cause) {
      const error = cause instanceof Error ? cause.message : String(cause);
      this.#logger.error({ error, term: this.#lastStarted }, `an activity of the leader failed at its ${name}`);
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
