/**
 * What is used of the package `lmdb`, and nothing else of it. The package is injected, so that the library depends on
 * none; nothing here may call its asynchronous writes, which commit when they like.
 */

/** The function `open` of the package. */
export type LmdbOpen = (path: string, options: LmdbOptions) => LmdbRoot;

export interface LmdbOptions {
  readonly noSubdir: true;
  /** The log is what is durable. It also keeps `overlappingSync` off, and its hook at the end of the process. */
  readonly noSync: true;
  readonly maxDbs: number;
  readonly maxReaders: number;
  readonly mapSize: number;
  readonly encoding: 'binary';
  readonly keyEncoding: 'binary';
}

export interface LmdbRoot {
  openDB(name: string, options: Pick<LmdbOptions, 'encoding' | 'keyEncoding'>): LmdbTable;
  /** Commits when `run` returns, before it returns itself; aborts when `run` throws. */
  transactionSync<T>(run: () => T): T;
  useReadTransaction(): LmdbTransaction;
  close(): Promise<void>;
}

/** A read transaction: a view that does not change. */
export interface LmdbTransaction {
  done(): void;
}

/** Within `transactionSync` every call belongs to its transaction, whatever `transaction` says. */
export interface LmdbTable {
  /** A copy, or undefined. */
  getBinary(key: Uint8Array, options?: { readonly transaction?: LmdbTransaction }): Uint8Array | undefined;
  putSync(key: Uint8Array, value: Uint8Array): void;
  /** False when there was none. */
  removeSync(key: Uint8Array): boolean;
  getRange(options: LmdbRange): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>;
}

export interface LmdbRange {
  readonly start?: Uint8Array;
  readonly exclusiveStart?: boolean;
  readonly limit?: number;
  readonly transaction?: LmdbTransaction;
}
