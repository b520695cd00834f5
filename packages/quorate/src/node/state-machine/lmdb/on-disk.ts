/**
 * Gives an error of the system or of LMDB the sentence that a person needs. Errors that have one already must never be
 * wrapped.
 */
import { DiskFailed, InvariantViolation, QuorateError } from '../../../errors/index.js';

/** Throws DiskFailed for every error that is not one of ours. */
export async function onDisk<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw stateFailed(path, error);
  }
}

/** DiskFailed for every error that is not one of ours. */
export function stateFailed(path: string, error: unknown): unknown {
  if (error instanceof QuorateError || error instanceof InvariantViolation) return error;
  return new DiskFailed(
    `the state in ${path} cannot be used (${describe(error)}): see that this process may write there and that ` +
      'there is free space, or remove the directory, and the state is rebuilt from snapshot and log',
    { cause: error },
  );
}

export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
