/**
 * What the other nodes said of themselves, and which of them are connected. For hints and for people: nothing here may decide
 * who votes or whom to believe.
 */
import type { LeaderHint } from '../errors/index.js';
import type { Hello } from './identity.js';

export interface PeerStatus {
  readonly id: string;
  /** Its advertised HTTP address, null when unknown. */
  readonly url: string | null;
  /** Heard of on a connection that has not broken since; true for the node itself. */
  readonly connected: boolean;
}

export class Peers {
  readonly #self: { readonly id: string; readonly url: string | null };
  readonly #urls = new Map<string, string | null>();
  readonly #connected = new Set<string>();

  constructor(self: { readonly id: string; readonly url: string | null }) {
    this.#self = self;
    this.#urls.set(self.id, self.url);
    this.#connected.add(self.id);
  }

  heardFrom({ id, url }: Hello): void {
    if (id === this.#self.id) return;
    this.#urls.set(id, url);
    this.#connected.add(id);
  }

  disconnected(id: string): void {
    if (id !== this.#self.id) this.#connected.delete(id);
  }

  hint(id: string | null): LeaderHint | null {
    return id === null ? null : { id, url: this.#urls.get(id) ?? null };
  }

  status(ids: readonly string[]): readonly PeerStatus[] {
    return ids.map((id) => ({ id, url: this.#urls.get(id) ?? null, connected: this.#connected.has(id) }));
  }
}
