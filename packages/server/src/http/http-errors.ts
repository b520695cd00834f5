/**
 * Failures that exist only at the HTTP edge: nothing was read, proposed or applied when one of them is answered. They
 * must not be thrown by a store.
 */
import { QuorateError } from 'quorate/errors';

const NOTHING_DONE = { outcome: 'not-applied' } as const;

/** The key does not exist at the view that the read saw: an answer as good as any, with all its headers. */
export class KeyNotFound extends QuorateError {
  readonly code = 'KeyNotFound';
  readonly retryable = false;

  constructor() {
    super('there is no such key');
  }
}

export class UnknownRoute extends QuorateError {
  readonly code = 'UnknownRoute';
  readonly retryable = false;

  constructor(fields: { method: string; path: string }) {
    super(`there is no ${fields.method} ${fields.path}; keys are under /v1/kv/{key}`, NOTHING_DONE);
  }
}

export class MethodNotAllowed extends QuorateError {
  readonly code = 'MethodNotAllowed';
  readonly retryable = false;
  readonly allowed: readonly string[];

  constructor(fields: { method: string; path: string; allowed: readonly string[] }) {
    super(`${fields.path} takes ${fields.allowed.join(', ')}, not ${fields.method}`, NOTHING_DONE);
    this.allowed = fields.allowed;
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { allowed: this.allowed };
  }
}

/** The request is no proper HTTP: its framing, its headers or its length. */
export class MalformedRequest extends QuorateError {
  readonly code = 'MalformedRequest';
  readonly retryable = false;

  constructor(message: string, cause?: unknown) {
    super(message, { ...NOTHING_DONE, cause });
  }
}

/** The server listens, but its log is still being recovered. */
export class Starting extends QuorateError {
  readonly code = 'Starting';
  readonly retryable = true;

  constructor() {
    super('the server is starting: it is still reading its log', NOTHING_DONE);
  }
}
