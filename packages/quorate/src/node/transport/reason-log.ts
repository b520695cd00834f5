/**
 * Remembers the last reason per name, so that a log says it once and not at every attempt. It must never grow with the
 * names that strangers make up.
 */

const MAX_NAMES = 256;

export class ReasonLog {
  readonly #reasons = new Map<string, string>();

  /** Whether this is news: the first reason under this name, or another than the last. */
  isNews(name: string, reason: string): boolean {
    if (this.#reasons.get(name) === reason) return false;
    if (this.#reasons.size >= MAX_NAMES) this.#reasons.clear();
    this.#reasons.set(name, reason);
    return true;
  }

  /** All is well with it: the next reason is news, whatever it is. */
  forget(name: string): void {
    this.#reasons.delete(name);
  }
}
