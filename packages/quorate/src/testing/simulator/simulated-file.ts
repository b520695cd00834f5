/**
 * One file of a simulated disk: what programs see, and what would be left of it after a loss of power. It must never
 * make anything durable by itself: a real system may write its pages early, so a crash can keep what was not synced,
 * but need not.
 */

/**
 * What a crash does to writes that are not durable: loses all, keeps all, or decides for each write and each of its
 * sectors.
 */
export type CrashMode = 'lost' | 'kept' | 'torn';

/** The unit that a drive writes as a whole. */
const SECTOR_BYTES = 512;

interface Change {
  readonly kind: 'write' | 'truncate';
  /** For a truncation: the new size. */
  readonly position: number;
  readonly data: Uint8Array;
  /** `forgotten`: its sync failed; programs see it, and no later sync makes it durable. */
  state: 'cached' | 'durable' | 'forgotten';
}

export class SimulatedFile {
  /** The name that programs see; a file keeps its handles when it gets another. */
  path: string;
  /** What programs see. */
  readonly #seen = new Bytes();
  /** On the drive for certain, together with the durable ones of the changes. */
  readonly #base = new Bytes();
  #changes: Change[] = [];
  #lastDurableWrite = 0;

  constructor(path: string) {
    this.path = path;
  }

  get size(): number {
    return this.#seen.size;
  }

  /** A loss of power takes nothing of it. */
  get isDurable(): boolean {
    return this.#changes.every(({ state }) => state === 'durable');
  }

  /** Where the write began that was made durable last, by itself. */
  get lastDurableWrite(): number {
    return this.#lastDurableWrite;
  }

  read(position: number, length: number): Uint8Array {
    return this.#seen.read(position, length);
  }

  /** Takes a write into the cache. The result makes that write durable, or forgets it. */
  write(data: Uint8Array, position: number): { readonly settle: (state: 'durable' | 'forgotten') => void } {
    return this.#change({ kind: 'write', position, data: new Uint8Array(data), state: 'cached' });
  }

  truncate(size: number): void {
    this.#change({ kind: 'truncate', position: size, data: new Uint8Array(0), state: 'cached' });
  }

  /** Makes everything durable, or forgets it all when the sync fails. */
  sync(state: 'durable' | 'forgotten'): void {
    for (const change of this.#changes) if (change.state === 'cached') change.state = state;
    this.#fold();
  }

  /** Changes bits, on the drive and for programs. */
  damage(position: number, mask: number): void {
    for (const bytes of [this.#seen, this.#base]) bytes.flip(position, mask);
    for (const { data, position: start } of this.#changes) {
      const at = position - start;
      if (at >= 0 && at < data.byteLength) data[at] = (data[at] as number) ^ mask;
    }
  }

  /** The file as a crash at this moment would leave it. */
  afterCrash(mode: CrashMode, random: () => number): SimulatedFile {
    const left = new SimulatedFile(this.path);
    left.#base.copy(this.#base);
    for (const change of this.#changes) {
      if (change.state === 'durable' || mode === 'kept') apply(left.#base, change);
      else if (mode === 'torn') applyTorn(left.#base, change, random);
    }
    left.#seen.copy(left.#base);
    left.#lastDurableWrite = this.#lastDurableWrite;
    return left;
  }

  #change(change: Change): { readonly settle: (state: 'durable' | 'forgotten') => void } {
    apply(this.#seen, change);
    this.#changes.push(change);
    return {
      settle: (state) => {
        change.state = state;
        if (state === 'durable') this.#lastDurableWrite = change.position;
        this.#fold();
      },
    };
  }

  /** Changes leave in the order in which they came. */
  #fold(): void {
    let durable = 0;
    for (const change of this.#changes) {
      if (change.state !== 'durable') break;
      apply(this.#base, change);
      durable += 1;
    }
    if (durable > 0) this.#changes.splice(0, durable);
  }
}

function apply(bytes: Bytes, { kind, position, data }: Change): void {
  if (kind === 'truncate') bytes.resize(position);
  else bytes.write(data, position);
}

function applyTorn(bytes: Bytes, change: Change, random: () => number): void {
  const fate = random();
  if (fate < 1 / 4) return;
  if (fate < 1 / 2 || change.kind === 'truncate') {
    apply(bytes, change);
    return;
  }
  const { position, data } = change;
  for (let start = 0; start < data.byteLength; ) {
    const end = Math.min(data.byteLength, start + SECTOR_BYTES - ((position + start) % SECTOR_BYTES));
    if (random() < 1 / 2) bytes.write(data.subarray(start, end), position + start);
    start = end;
  }
}

/** Bytes that grow. */
class Bytes {
  #buffer = new Uint8Array(0);
  size = 0;

  read(position: number, length: number): Uint8Array {
    return this.#buffer.slice(position, Math.min(this.size, position + length));
  }

  write(data: Uint8Array, position: number): void {
    if (position + data.byteLength > this.size) this.resize(position + data.byteLength);
    this.#buffer.set(data, position);
  }

  resize(size: number): void {
    if (size > this.#buffer.byteLength) {
      const grown = new Uint8Array(Math.max(size, 2 * this.#buffer.byteLength));
      grown.set(this.#buffer.subarray(0, this.size));
      this.#buffer = grown;
    }
    if (size < this.size) this.#buffer.fill(0, size, this.size);
    this.size = size;
  }

  flip(position: number, mask: number): void {
    if (position < this.size) this.#buffer[position] = (this.#buffer[position] as number) ^ mask;
  }

  copy(other: Bytes): void {
    this.#buffer = other.#buffer.slice(0, other.size);
    this.size = other.size;
  }
}
