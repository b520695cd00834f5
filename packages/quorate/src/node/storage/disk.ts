/**
 * The seam between the storage and the file system: the simulator replaces it. Only what the log and the identity need.
 * No implementation may report a write as durable that the operating system has not confirmed, nor retry a failed one.
 */

export interface DiskFile {
  /** Writes all of `data` at `position`; resolves when the operating system has taken it. */
  write(data: Uint8Array, position: number): Promise<void>;
  /** Writes all of `data` at `position`; resolves when it is durable. */
  writeDurably(data: Uint8Array, position: number): Promise<void>;
  /** Makes everything written so far durable, the length of the file included. */
  sync(): Promise<void>;
  /** Reads up to `length` bytes at `position`; shorter at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  size(): Promise<number>;
  truncate(size: number): Promise<void>;
  /** Waits for operations under way; none is possible afterwards. */
  close(): Promise<void>;
}

/** A directory that is this process's own until it is released. */
export interface DirectoryLock {
  /** Lets others have the directory. Does nothing when the lock is not this one any more. */
  release(): Promise<void>;
}

export interface Disk {
  /** Makes the directory and its parents when missing, and makes their names durable. */
  makeDirectory(path: string): Promise<void>;
  /** Keeps every other process, and a second opening in this one, out of the directory. Throws DirectoryLocked. */
  lock(path: string): Promise<DirectoryLock>;
  /** Names in the directory, sorted. */
  list(path: string): Promise<readonly string[]>;
  /** `create` makes a new, empty file, or empties one; `open` wants one that is there, as does `read`, to read only. */
  open(path: string, mode: 'create' | 'open' | 'read'): Promise<DiskFile>;
  /** Null when there is no such file. */
  readFile(path: string): Promise<Uint8Array | null>;
  /** Replaces the target atomically. Durable after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in the directory durable. */
  syncDirectory(path: string): Promise<void>;
}
