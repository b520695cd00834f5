/**
 * The store that HTTP serves, whatever engine is below it. Reads and writes reject with the library's typed errors; an
 * implementation must never answer a write before it is durable, or a read below its bound.
 */
import type { NodeStatus, SnapshotFile } from 'quorate';
import type { DeleteAnswer, RangePage, StoredValue, TransactionAnswer, WriteAnswer } from 'quorate/client';
import type { ReadOptions, ReadResult } from 'quorate/reads';
import type { ChangeCursor } from './change-cursor.js';
import type { WatchRequest } from './change-history.js';
import type { Transaction } from './command.js';
import type { ExportRequest, ExportView } from './export-view.js';
import type { RangeRequest } from './key-value.js';

export interface WriteOptions {
  /** Write only when the entry is applied in this term. Otherwise TermChanged. */
  readonly ifTerm?: number;
  /** A repeated write with this key is answered and not applied. IdempotencyKeyReused when it is another write. */
  readonly idempotencyKey?: string;
  /** A token from before the first write with this key: IdempotencyExpired when the key may be forgotten since. */
  readonly token?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface KeyWriteOptions extends WriteOptions {
  /** Write only when the key has this version; 0: only when it does not exist. Otherwise ConditionFailed. */
  readonly ifVersion?: number;
}

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What is sent of a snapshot. */
export type Backup = Pick<SnapshotFile, 'position' | 'bytes' | 'chunks' | 'close'>;

export interface PlaceToWatch extends Omit<WatchRequest, 'from'> {
  /** The index of the first change wanted; null: from now on, behind everything acknowledged before the call. */
  readonly from: number | null;
  /** Any token of the history that `from` is an index of. */
  readonly token?: string | undefined;
}

export interface Store {
  get(key: string, options: ReadOptions): Promise<ReadResult<StoredValue | null>>;
  /** All of a range from one view, which the caller releases. */
  export(request: ExportRequest, options: ReadOptions): Promise<ReadResult<ExportView>>;
  range(request: RangeRequest, options: ReadOptions): Promise<ReadResult<RangePage>>;
  put(key: string, value: Uint8Array, options: KeyWriteOptions): Promise<WriteAnswer>;
  delete(key: string, options: KeyWriteOptions): Promise<DeleteAnswer>;
  /** All or nothing. ConditionFailed names the first condition that does not hold. */
  txn(transaction: Transaction, options: WriteOptions): Promise<TransactionAnswer>;
  /**
   * A place in the history of changes. Rejects with WatchExpired when what is wanted is not all there any more, with
   * InvalidArgument when `from` is in the future, with TokenMismatch when the token is of another history, and as
   * `ready` does.
   */
  watch(request: PlaceToWatch, options: WaitOptions): Promise<ChangeCursor>;
  status(): NodeStatus;
  /** Resolves to a bound that the leader confirmed after the call, once this replica has applied it. */
  ready(options: WaitOptions): Promise<{ readonly index: number; readonly term: number }>;
  /** To `to`, or to whom the leader chooses. NotLeader on any other node. */
  transferLeadership(
    to: string | undefined,
    options: Pick<WaitOptions, 'timeoutMs'> & Partial<WaitOptions>,
  ): Promise<void>;
  /** Takes a snapshot of this replica's state now. Rejects as `RaftNode.takeSnapshot` does. */
  takeSnapshot(options: WaitOptions): Promise<{ readonly index: number; readonly term: number }>;
  /** The file of a snapshot with everything that was acknowledged before the call; to be read to its end, or closed. */
  openBackup(options: WaitOptions): Promise<Backup>;
  /** Settles when the store has stopped: null after `close`, the error when it failed. */
  readonly stopped: Promise<Error | null>;
  close(): Promise<void>;
}
