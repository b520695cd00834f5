/**
 * The typed client of Quorate's HTTP interface, the errors that only this interface has, and the shapes of its
 * answers.
 */
export type {
  DeleteAnswer,
  Entry,
  OperationResult,
  RangePage,
  ReadAnswer,
  ServerStatus,
  SnapshotAnswer,
  StoredValue,
  TransactionAnswer,
  WriteAnswer,
} from './answers.js';
export {
  ConditionFailed,
  ConnectionFailed,
  IdempotencyExpired,
  IdempotencyKeyReused,
  NotImplemented,
  ValueTooLarge,
  WatchExpired,
} from './api-errors.js';
export { Client } from './client.js';
export type {
  ClientOptions,
  Operation,
  RangeQuery,
  ReadLevel,
  ReadOptions,
  RequestOptions,
  SnapshotOptions,
  Transaction,
  WatchOptions,
  WriteOptions,
} from './options.js';
export { errorFromProblem } from './problem.js';
export type { Backup } from './streamed-backup.js';
export type { Change, ChangedEntry, WatchEvent, WatchProgress } from './watch-events.js';
