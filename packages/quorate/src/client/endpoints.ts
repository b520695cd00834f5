/**
 * Which server is asked next: all in turn, those that failed lately only when nothing else is left, and the leader
 * when an answer named it. It must never leave a server out for good.
 */
import { checkEndpoint } from './options.js';

/** How long a server that did not answer is asked last, in milliseconds. */
const AVOID_MS = 1_000;

export class Endpoints {
  readonly all: readonly URL[];
  readonly #avoidUntil = new Map<string, number>();
  #turn: number;

  /** Clients begin at different servers. */
  constructor(all: readonly URL[]) {
    this.all = all;
    this.#turn = Math.floor(Math.random() * all.length);
  }

  /**
   * The next in turn that is not in `tried`, nor failed lately if there is a choice; any in turn when all were tried.
   */
  next(tried: ReadonlySet<string>): URL {
    const now = performance.now();
    const ranked = this.all.map((_, offset) => this.all[(this.#turn + offset) % this.all.length] as URL);
    const untried = ranked.filter((url) => !tried.has(url.origin));
    const healthy = untried.filter((url) => (this.#avoidUntil.get(url.origin) ?? 0) <= now);
    const chosen = (healthy[0] ?? untried[0] ?? ranked[0]) as URL;
    this.#turn = (this.all.indexOf(chosen) + 1) % this.all.length;
    return chosen;
  }

  failed(endpoint: URL): void {
    this.#avoidUntil.set(endpoint.origin, performance.now() + AVOID_MS);
  }

  answered(endpoint: URL): void {
    this.#avoidUntil.delete(endpoint.origin);
  }

  /** The leader's address as an answer gave it; null when it is none that could be asked. */
  parseHint(url: string | null | undefined): URL | null {
    if (url === null || url === undefined) return null;
    try {
      return checkEndpoint(url);
    } catch {
      return null;
    }
  }
}
