/**
 * What a client has seen, as the newest token of its answers: where its `session` reads begin. Tokens of two histories
 * are never compared, and a session that a restore has broken must never go on as if nothing had happened: one read
 * says so, and the session begins anew behind it.
 */
import { TokenMismatch } from '../errors/index.js';
import { mergeTokens } from '../reads/tokens.js';

export class Session {
  #token: string | null;
  /** The token was thrown away: nothing has been seen since. */
  #anew = false;
  /** What was seen is of another history, and no read has said so. */
  #untold = false;

  constructor(token: string | null) {
    this.#token = token;
  }

  get token(): string | null {
    return this.#token;
  }

  /**
   * What the next `session` read has to contain; nothing is said of a client that has not seen anything yet. Throws
   * TokenMismatch, once, when answers have come from another history meanwhile.
   */
  floor(): { readonly token?: string; readonly minIndex?: number } {
    if (this.#untold) {
      this.#untold = false;
      throw new TokenMismatch('what this client saw is of another cluster, or from before a restore: it begins anew');
    }
    if (this.#token !== null) return { token: this.#token };
    return this.#anew ? { minIndex: 0 } : {};
  }

  /** An answer had this token. They come in any order; that of the newest view stays. */
  seen(token: string): void {
    if (this.#token === null) {
      this.#token = token;
      return;
    }
    try {
      this.#token = mergeTokens(this.#token, token);
    } catch (error) {
      if (!(error instanceof TokenMismatch)) throw error;
      this.#token = token;
      this.#untold = true;
    }
  }

  /** The servers did not take this token. `told`: whoever calls learns of it now. */
  refused(token: string, { told }: { readonly told: boolean }): void {
    if (token === this.#token) {
      this.#token = null;
      this.#anew = true;
      this.#untold = true;
    }
    if (told) this.#untold = false;
  }
}
