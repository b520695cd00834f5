/**
 * Answers that go on for long: watches, exports. Their number is limited, each has a signal that fires when its client
 * goes away or when all of them are told to end, and none of them may outlive its connection.
 */
import type { FastifyReply } from 'fastify';
import { Overloaded } from 'quorate/errors';

/** A place for one answer. To dispose of it gives the place back. */
export interface LongAnswer extends Disposable {
  /** Its reason is an error for the client when the server wants the end, otherwise nobody is left to be told. */
  readonly signal: AbortSignal;
  /** True when the client has gone away. */
  readonly gone: boolean;
}

export class LongAnswers {
  readonly #queue: string;
  readonly #limit: number;
  readonly #open = new Set<AbortController>();

  /** `queue`: what they are, for the error of the one too many. */
  constructor(options: { readonly queue: string; readonly limit: number }) {
    this.#queue = options.queue;
    this.#limit = options.limit;
  }

  /** How many there are. */
  get size(): number {
    return this.#open.size;
  }

  /** Throws Overloaded when all places are taken. */
  enter(reply: FastifyReply): LongAnswer {
    if (this.#open.size >= this.#limit) throw new Overloaded({ queue: this.#queue, limit: this.#limit });
    const controller = new AbortController();
    this.#open.add(controller);
    const { raw } = reply;
    let gone = false;
    const onClose = () => {
      gone = true;
      controller.abort(new Error('the client went away'));
    };
    raw.once('close', onClose);
    return {
      signal: controller.signal,
      get gone() {
        return gone;
      },
      [Symbol.dispose]: () => {
        raw.off('close', onClose);
        this.#open.delete(controller);
      },
    };
  }

  /** Tells all of them to end, for this reason. */
  end(reason: Error): void {
    for (const controller of [...this.#open]) controller.abort(reason);
  }
}
