/**
 * What the other nodes said of themselves. For hints and for people: nothing here may decide who votes or whom to
 * believe.
 */
import type { LeaderHint } from '../errors/index.js';
import type { Hello } from './identity.js';

export interface PeerStatus {
  readonly id: string;
  /** Its advertised HTTP address, null when unknown. */
  readonly url: string | null;
  /** Messages can be sent to it; true for the node itself. */
  readonly connected: boolean;
}

export class Peers {
  readonly #self: { readonly id: string; readonly url: string | null };
  readonly #urls = new Map<string, string | null>();

  constructor(self: { readonly id: string; readonly url: string | null }) {
    this.#self = self;
    this.#urls.set(self.id, self.url);
  }

  heardFrom({ id, url }: Hello): void {
    if (id !== this.#self.id) this.#urls.set(id, url);
  }

  hint(id: string | null): LeaderHint | null {
    return id === null ? null : { id, url: this.#urls.get(id) ?? null };
  }

  status(ids: readonly string[], isConnected: (id: string) => boolean): readonly PeerStatus[] {
    return ids.map((id) => ({
      id,
      url: this.#urls.get(id) ?? null,
      connected: id === this.#self.id || isConnected(id),
    }));
  }
}
