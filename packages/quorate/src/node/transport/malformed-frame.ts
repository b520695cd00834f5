/**
 * What the decoders throw, and the only thing they throw: bytes from the network are never trusted. It ends the
 * connection that the bytes came from and must never reach the node.
 */
import { QuorateError } from '../../errors/index.js';

/** The bytes of a frame are not what the protocol says. The message is the reason, fit for a log line. */
export class MalformedFrame extends QuorateError {
  readonly code: string = 'MalformedFrame';
  readonly retryable = false;
}

/**
 * The other side greets in another version of the protocol. It gets an answer, so that it can say so in its own log.
 */
export class VersionMismatch extends MalformedFrame {
  override readonly code = 'VersionMismatch';

  constructor(fields: { received: number; expected: number }) {
    super(`it speaks version ${fields.received} of the protocol, this node version ${fields.expected}`);
  }
}
