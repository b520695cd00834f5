/** Every error with its code, and the one assertion. Any room may import this one; it imports none. */
export { checkInteger } from './check-integer.js';
export {
  DirectoryLocked,
  DiskFailed,
  DiskStalled,
  IdentityMismatch,
  LogDamaged,
  SnapshotDamaged,
  StateDamaged,
  UnknownFormat,
} from './directory-errors.js';
export { InvariantViolation, invariant, unreachable } from './invariant.js';
export {
  LeadershipLost,
  NoLeader,
  NotLeader,
  NotMember,
  TermChanged,
  TransferInProgress,
} from './leadership-errors.js';
export { type LeaderHint, type Outcome, QuorateError, type QuorateErrorOptions } from './quorate-error.js';
export { Aborted, ConsistentRead, LagBehind, SnapshotInstalling, TokenMismatch } from './read-errors.js';
export { Canceled, InvalidArgument, Overloaded, Stopped, Timeout } from './request-errors.js';
export { errorFromWire, errorToWire, RemoteError, type WireError } from './wire-error.js';
