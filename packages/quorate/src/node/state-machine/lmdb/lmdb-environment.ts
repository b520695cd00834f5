/**
 * One LMDB environment: a file with the tables of a state and the index and term up to which it is applied, which
 * change in the same transaction (R6). It must never be closed under somebody who reads it: it is retired, and closes
 * when the last reader has gone.
 */
import { invariant } from '../../../errors/index.js';
import type { StateView } from '../state-machine.js';
import type { ReadableTables, TableKinds, Tables } from '../tables/tables.js';
import type { LmdbOpen, LmdbRoot, LmdbTable } from './lmdb-binding.js';
import { LmdbReadableTable } from './lmdb-readable-table.js';
import { LmdbWritableTable } from './lmdb-writable-table.js';
import { stateFailed } from './on-disk.js';
import { ReadScope } from './read-scope.js';

const BINARY = { encoding: 'binary', keyEncoding: 'binary' } as const;
/** Address space, not memory. LMDB doubles it when the file outgrows it, and keeps the old maps until it is closed. */
const FIRST_MAP_BYTES = 1024 ** 3;
const POSITION_KEY = Buffer.from('position');

/** A read that lasts until it is ended, and where the state stood. */
export interface Reading<Kinds extends TableKinds> extends StateView {
  readonly tables: ReadableTables<Kinds>;
  readonly scope: ReadScope;
  /** Ends the read; whoever uses its tables afterwards gets the error. Does nothing the second time. */
  end(reason: () => Error): void;
}

export class LmdbEnvironment<Kinds extends TableKinds> {
  readonly #path: string;
  readonly #root: LmdbRoot;
  readonly #own: LmdbTable;
  readonly #tables: readonly { readonly name: string; readonly kind: Kinds[string]; readonly table: LmdbTable }[];
  readonly #writable: Tables<Kinds>;
  #readings = 0;
  #writing = false;
  #onIdle: (() => void) | null = null;

  /** Opens or makes the file at `path`. `maxReaders` is how many states may be read at a time. */
  constructor(open: LmdbOpen, path: string, kinds: Kinds, maxReaders: number) {
    const names = Object.keys(kinds);
    this.#path = path;
    this.#root = open(path, {
      ...BINARY,
      noSubdir: true,
      noSync: true,
      maxDbs: names.length + 1,
      maxReaders,
      mapSize: FIRST_MAP_BYTES,
    });
    this.#own = this.#root.openDB('quorate', BINARY);
    this.#tables = names.map((name) => {
      return { name, kind: kinds[name] as Kinds[string], table: this.#root.openDB(`table ${name}`, BINARY) };
    });
    const assertWriting = () => invariant(this.#writing, 'the tables of a command are used within it only');
    this.#writable = this.#eachTable((table, kind) => new LmdbWritableTable(table, kind, assertWriting, path));
  }

  /**
   * One transaction: what `run` changes and the position become visible together, or nothing does when it throws.
   * Throws DiskFailed when the disk does not take it.
   */
  write<R>(run: (tables: Tables<Kinds>) => R, position: StateView | null): R {
    invariant(!this.#writing, 'one batch is applied at a time');
    // What `run` throws is the command's affair; anything else is LMDB's.
    let isRunning = false;
    try {
      return this.#root.transactionSync(() => {
        this.#writing = true;
        try {
          isRunning = true;
          const result = run(this.#writable);
          isRunning = false;
          if (position !== null) this.#own.putSync(POSITION_KEY, encodePosition(position));
          return result;
        } finally {
          this.#writing = false;
        }
      });
    } catch (error) {
      throw isRunning ? error : stateFailed(this.#path, error);
    }
  }

  /** A view of the state as it is now. */
  beginRead(): Reading<Kinds> {
    invariant(!this.#writing, 'nothing reads the state while a command is applied');
    const scope = new ReadScope(this.#root.useReadTransaction());
    this.#readings += 1;
    const position = decodePosition(this.#own.getBinary(POSITION_KEY, scope.options));
    const tables: ReadableTables<Kinds> = this.#eachTable((table, kind) => new LmdbReadableTable(table, kind, scope));
    const end = (reason: () => Error) => {
      if (!scope.end(reason)) return;
      this.#readings -= 1;
      if (this.#readings === 0) this.#onIdle?.();
    };
    return { ...position, tables, scope, end };
  }

  /** Resolves when nobody reads it any more and it is closed. Nothing may be begun on it afterwards. */
  async retire(): Promise<void> {
    if (this.#readings > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await this.#root.close();
  }

  #eachTable<T>(make: (table: LmdbTable, kind: Kinds[string]) => unknown): T {
    return Object.fromEntries(this.#tables.map(({ name, kind, table }) => [name, make(table, kind)])) as T;
  }
}

function encodePosition({ appliedIndex, appliedTerm }: StateView): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(BigInt(appliedIndex), 0);
  bytes.writeBigUInt64BE(BigInt(appliedTerm), 8);
  return bytes;
}

function decodePosition(stored: Uint8Array | undefined): StateView {
  if (stored === undefined) return { appliedIndex: 0, appliedTerm: 0 };
  const bytes = Buffer.from(stored);
  return { appliedIndex: Number(bytes.readBigUInt64BE(0)), appliedTerm: Number(bytes.readBigUInt64BE(8)) };
}
