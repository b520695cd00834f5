/**
 * Why a server could not start, or had to stop, in one sentence that says what to do. No stack, no system jargon
 * alone.
 */
import { InvalidArgument, QuorateError } from 'quorate/errors';

/** `dataDir` is named where the trouble is with it. */
export function startFailure(error: unknown, dataDir: string): string {
  const system = systemError(error);
  if (system?.code === 'EADDRINUSE') {
    const at = `${system.address ?? ''}:${system.port ?? ''}`;
    return `the address ${at} is in use: stop what listens there, or choose another with --listen or --peer-listen`;
  }
  if (system?.code === 'EADDRNOTAVAIL' || system?.code === 'ENOTFOUND') {
    const at = system.address ?? system.hostname ?? '';
    return `this machine has no address ${at}: give one of its own to --listen and --peer-listen`;
  }
  if (system?.code === 'EACCES' && system.port !== undefined) {
    return `port ${system.port} may not be used by this user: choose one above 1023 with --listen or --peer-listen`;
  }
  if (error instanceof InvalidArgument) return error.message;
  if (system?.code === 'ENOSPC' || system?.code === 'EDQUOT') {
    const where = system.path ?? dataDir;
    return `there is no space left for ${where} (${system.code}): free some on that file system, and start again`;
  }
  if (system?.code !== undefined && UNWRITABLE.has(system.code)) {
    const where = system.path ?? dataDir;
    const remedy = 'give this user the right to, or choose another with --data-dir';
    return `the directory ${where} cannot be written (${system.code}): ${remedy}`;
  }
  if (error instanceof QuorateError) return error.message;
  return error instanceof Error ? error.message : String(error);
}

const UNWRITABLE = new Set(['EACCES', 'ENOENT', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ENAMETOOLONG']);

interface SystemError extends Error {
  readonly code?: string;
  readonly address?: string;
  readonly hostname?: string;
  readonly path?: string;
  readonly port?: number;
}

/** The system's error, or the one behind a typed error. */
function systemError(error: unknown): SystemError | null {
  if (!(error instanceof Error)) return null;
  if (error instanceof QuorateError) return systemError(error.cause);
  return error;
}
