/**
 * The configurations that a search has been in: what was placed, and the state it led to. They are kept exactly, not as
 * hashes, since a collision would turn into a wrong verdict; and tightly, since there may be millions of them.
 */

/**
 * A configuration in words. Of two with the same `head`, the one whose `spent` is a part of the other's has all its
 * possibilities: what it did not use of the operations of unknown outcome, it need not use.
 */
export interface Configuration {
  readonly words: Int32Array;
  /** So many words: the state, and which of the answered operations are placed. */
  readonly head: number;
  /** So many words behind them: bits of the operations of unknown outcome that are placed. */
  readonly spent: number;
  /** So many words behind those: a restriction on what may come next, all -1 for none. */
  readonly restriction: number;
}

/** Words in front of every configuration: next in its bucket, hash, length. */
const HEAD = 3;

export class Configurations {
  #pool = new Int32Array(1024);
  #used = 1;
  #buckets = new Int32Array(256);
  #count = 0;

  /** True when it offers anything that those before it did not. Then it is kept. */
  add(configuration: Configuration): boolean {
    const { words, head } = configuration;
    const hash = hashOf(words, head);
    const bucket = hash & (this.#buckets.length - 1);
    for (let at = this.#buckets[bucket] as number; at !== 0; at = this.#pool[at] as number) {
      if (this.#pool[at + 1] === hash && this.#covers(at + HEAD, configuration)) return false;
    }
    this.#insert(words, head + configuration.spent + configuration.restriction, hash);
    return true;
  }

  /** How many words are kept. */
  get size(): number {
    return this.#used;
  }

  /** Whether what is kept there has all the possibilities of this configuration. Equal heads have equal lengths. */
  #covers(at: number, { words, head, spent, restriction }: Configuration): boolean {
    if (this.#pool[at - 1] !== head + spent + restriction) return false;
    for (let i = 0; i < head; i += 1) if (this.#pool[at + i] !== words[i]) return false;
    for (let i = head; i < head + spent; i += 1) {
      if (((this.#pool[at + i] as number) & ~(words[i] as number)) !== 0) return false;
    }
    let [isFree, isSame] = [true, true];
    for (let i = head + spent; i < head + spent + restriction; i += 1) {
      isFree &&= this.#pool[at + i] === -1;
      isSame &&= this.#pool[at + i] === words[i];
    }
    return isFree || isSame;
  }

  #insert(key: Int32Array, length: number, hash: number): void {
    if (this.#count >= this.#buckets.length) this.#widen();
    if (this.#used + HEAD + length > this.#pool.length) {
      const larger = new Int32Array(Math.max(this.#pool.length * 2, this.#used + HEAD + length));
      larger.set(this.#pool);
      this.#pool = larger;
    }
    const at = this.#used;
    const bucket = hash & (this.#buckets.length - 1);
    this.#pool[at] = this.#buckets[bucket] as number;
    this.#pool[at + 1] = hash;
    this.#pool[at + 2] = length;
    for (let i = 0; i < length; i += 1) this.#pool[at + HEAD + i] = key[i] as number;
    this.#buckets[bucket] = at;
    this.#used += HEAD + length;
    this.#count += 1;
  }

  #widen(): void {
    const buckets = new Int32Array(this.#buckets.length * 4);
    for (let at = 1; at < this.#used; at += HEAD + (this.#pool[at + 2] as number)) {
      const bucket = (this.#pool[at + 1] as number) & (buckets.length - 1);
      this.#pool[at] = buckets[bucket] as number;
      buckets[bucket] = at;
    }
    this.#buckets = buckets;
  }
}

function hashOf(key: Int32Array, length: number): number {
  let hash = length;
  for (let i = 0; i < length; i += 1) {
    hash = Math.imul(hash ^ (key[i] as number), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}
