/**
 * How long one read may wait: its deadline and its caller's signal as one thing (R9). A standard AbortSignal is made
 * of it only when somebody asks for one, since an AbortController costs more than all the rest of a read. It must
 * never leave a timer or a listener behind: whoever makes one disposes of it.
 */
import { Canceled, invariant } from '../errors/index.js';
import type { Clock } from './clock.js';
import type { ReadTimes } from './read-times.js';

/** What a read is waiting for: its bound, the state machine, or the view. */
export type Stage = 'bound' | 'apply' | 'view';

/** `waiting` until the function starts, `running` from then on; `disposed` when the read has ended in any way. */
type State = 'waiting' | 'running' | 'disposed';

export interface DeadlineOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Makes the error for a read whose time is over. */
  readonly expired: () => Error;
  /** Called once, when the waiting is over: the function starts, or the read has ended without. */
  readonly waited: () => void;
}

export class Deadline {
  /** Kept by the reader, for the error. */
  stage: Stage = 'bound';
  /** What made the last attempt fail, for the error. */
  lastFailure: unknown;
  /** Kept by the reader, for its observer; null while there is none. */
  times: ReadTimes | null = null;
  readonly #clock: Clock;
  readonly #callerSignal: AbortSignal | undefined;
  readonly #waited: () => void;
  #state: State = 'waiting';
  /** Why the waiting is over before its time; null while it is not. */
  #reason: Error | null = null;
  /** Ends the one thing that is being waited for. */
  #interrupt: ((reason: Error) => void) | null = null;
  #timer: { cancel(): void } | null = null;
  #onAbort: (() => void) | null = null;
  #controller: AbortController | null = null;

  constructor({ clock, timeoutMs, signal, expired, waited }: DeadlineOptions) {
    this.#clock = clock;
    this.#waited = waited;
    this.#callerSignal = signal;
    if (signal?.aborted) {
      this.#reason = new Canceled({ cause: signal.reason });
      return;
    }
    if (signal !== undefined) {
      this.#onAbort = () => this.#end(new Canceled({ cause: signal.reason }));
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
    this.#timer = clock.setTimer(timeoutMs, () => this.#end(expired()));
  }

  /** Aborted, with the same error as its reason, when the time is over or the caller aborts. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** The signal for the function: nothing but its caller's abort ends it, with its caller's own reason. */
  get functionSignal(): AbortSignal {
    return this.#callerSignal ?? this.signal;
  }

  /** Why the waiting was ended; null while it was not. */
  get reason(): Error | null {
    return this.#reason;
  }

  /** True from the moment the function may have run, until the read has ended. */
  get running(): boolean {
    return this.#state === 'running';
  }

  /**
   * Waits for one thing at a time. `start` begins it and returns how to stop it, which may be called after it has
   * settled, too, and then does nothing. Rejects with the reason when the deadline ends first; nothing is begun when
   * it has ended already.
   */
  wait<T>(start: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#reason !== null) {
        reject(this.#reason);
        return;
      }
      let stop = nothingToStop;
      // Set before anything begins: a view taken at once starts the function, which may not be interrupted any more.
      this.#interrupt = (reason) => {
        stop();
        reject(reason);
      };
      stop = start(resolve, reject);
    });
  }

  /** Waits for a promise. Its work stops by the signal that it was given; what it comes to after the end is ignored. */
  waitFor<T>(begin: () => Promise<T>): Promise<T> {
    return this.wait<T>((resolve, reject) => {
      begin().then(resolve, reject);
      return nothingToStop;
    });
  }

  pause(delayMs: number): Promise<void> {
    return this.wait<void>((resolve) => {
      const timer = this.#clock.setTimer(delayMs, resolve);
      return () => timer.cancel();
    });
  }

  /**
   * The function starts now: there is no deadline any more, only the caller's abort. Throws the reason when it is too
   * late.
   */
  start(): void {
    if (this.#reason !== null) throw this.#reason;
    invariant(this.#state === 'waiting', 'the function of a read runs once, while the read is pending', {
      state: this.#state,
    });
    this.#become('running');
    this.#timer?.cancel();
  }

  /** The read has ended. */
  dispose(): void {
    this.#become('disposed');
    this.#release();
  }

  #become(state: 'running' | 'disposed'): void {
    if (this.#state === 'waiting') this.#waited();
    this.#state = state;
    this.#interrupt = null;
  }

  #end(reason: Error): void {
    this.#reason = reason;
    this.#release();
    const interrupt = this.#interrupt;
    this.#interrupt = null;
    interrupt?.(reason);
    this.#controller?.abort(reason);
  }

  #release(): void {
    this.#timer?.cancel();
    if (this.#onAbort !== null) this.#callerSignal?.removeEventListener('abort', this.#onAbort);
    this.#onAbort = null;
  }
}

function nothingToStop(): void {}
