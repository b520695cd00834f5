/**
 * A process of the simulated machine: its clocks and its one loop. Whatever calls back into a node comes through here,
 * so that a process can be paused, be busy, or die. It must never let anything of a dead process run, nor a callback
 * overtake one of its kind.
 */
import type { Clock, Timer } from '../../node/index.js';
import type { EventQueue } from './event-queue.js';
import type { Prng } from './prng.js';

export interface SimulatedProcessOptions {
  readonly queue: EventQueue;
  /** Milliseconds that its monotonic clock counts in one of the world: 1 in a perfect one. */
  readonly rate: number;
  /** How far its wall clock is ahead. */
  readonly clockSkewMs: number;
  /** How long what was deferred waits for its turn, ms. */
  readonly turnMs: () => number;
  /** For what a loop gets to first after a stall. */
  readonly prng: Prng;
}

/** What a loop gets to first after a stall depends on where it stood: at its timers, or waiting for input. */
const TIMERS_FIRST = ['timer', 'input', 'deferred'] as const;
const INPUT_FIRST = ['input', 'timer', 'deferred'] as const;
type Phase = (typeof TIMERS_FIRST)[number];

const START_OF_WALL_CLOCK_MS = 1_700_000_000_000;

interface Held {
  readonly callback: () => void;
  readonly socket: string;
}

export class SimulatedProcess implements Clock {
  readonly #options: SimulatedProcessOptions;
  readonly #startedAtMs: number;
  readonly #held: Record<Phase, Held[]> = { timer: [], input: [], deferred: [] };
  #state: 'running' | 'paused' | 'dead' = 'running';
  #clockSkewMs: number;
  #busyUntilMs = 0;
  #releaseIsDue = false;
  #timers = 0;
  /** Time spent paused or busy, up to `heldSinceMs`. */
  #heldMs = 0;
  #pausedAtMs = 0;

  constructor(options: SimulatedProcessOptions) {
    this.#options = options;
    this.#startedAtMs = options.queue.nowMs;
    this.#clockSkewMs = options.clockSkewMs;
  }

  get state(): 'running' | 'paused' | 'dead' {
    return this.#state;
  }

  /** Timers set, neither fired nor canceled. */
  get timers(): number {
    return this.#timers;
  }

  /** For how long it could not run, so far, ms of its own clock. */
  get heldMs(): number {
    const pausedMs = this.#state === 'paused' ? this.#options.queue.nowMs - this.#pausedAtMs : 0;
    return (this.#heldMs + pausedMs) * this.#options.rate;
  }

  monotonicMs(): number {
    return (Math.max(this.#options.queue.nowMs, this.#busyUntilMs) - this.#startedAtMs) * this.#options.rate;
  }

  wallMs(): number {
    return START_OF_WALL_CLOCK_MS + Math.floor(this.#options.queue.nowMs) + this.#clockSkewMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    let active = true;
    const end = () => {
      if (active) this.#timers -= 1;
      active = false;
    };
    this.#timers += 1;
    const fire = () => {
      if (!active) return;
      end();
      callback();
    };
    // Whole milliseconds, at least one, as timers have them.
    this.#options.queue.schedule(this.#busyMs + Math.max(1, Math.ceil(delayMs)) / this.#options.rate, () => {
      if (active) this.#run('timer', fire);
    });
    return { cancel: end };
  }

  defer(callback: () => void): void {
    this.#options.queue.schedule(this.#busyMs + this.#options.turnMs(), () => this.#run('deferred', callback));
  }

  /** A socket, or the disk, has something for the process. What comes through one of them stays in order. */
  input(socket: string, callback: () => void): void {
    this.#run('input', callback, socket);
  }

  /** What runs now has taken so much time: nothing else runs until it is over. */
  consume(durationMs: number): void {
    const { queue } = this.#options;
    this.#busyUntilMs = Math.max(queue.nowMs, this.#busyUntilMs) + durationMs;
    this.#heldMs += durationMs;
    this.#releaseLater();
  }

  /** As SIGSTOP: nothing runs, what arrives waits. */
  pause(): void {
    if (this.#state !== 'running') return;
    this.#state = 'paused';
    this.#pausedAtMs = this.#options.queue.nowMs;
  }

  /** As SIGCONT. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    this.#heldMs += this.#options.queue.nowMs - this.#pausedAtMs;
    this.#releaseLater();
  }

  /** The process is gone: nothing of it runs any more. */
  kill(): void {
    this.#state = 'dead';
    for (const phase of TIMERS_FIRST) this.#held[phase] = [];
  }

  /** Moves the wall clock, as a step of NTP does. */
  jumpClock(skewMs: number): void {
    this.#clockSkewMs = skewMs;
  }

  /** How much longer it is busy. */
  get #busyMs(): number {
    return Math.max(0, this.#busyUntilMs - this.#options.queue.nowMs);
  }

  #run(phase: Phase, callback: () => void, socket = ''): void {
    if (this.#state === 'dead') return;
    const isBusy = this.#busyUntilMs > this.#options.queue.nowMs;
    if (this.#state === 'paused' || isBusy) this.#held[phase].push({ callback, socket });
    else callback();
  }

  #releaseLater(): void {
    if (this.#releaseIsDue) return;
    this.#releaseIsDue = true;
    const { queue } = this.#options;
    queue.schedule(Math.max(0, this.#busyUntilMs - queue.nowMs), () => {
      this.#releaseIsDue = false;
      if (this.#state !== 'running') return;
      if (this.#busyUntilMs > queue.nowMs) this.#releaseLater();
      else this.#release();
    });
  }

  #release(): void {
    const { prng, queue } = this.#options;
    for (const phase of prng.chance(0.5) ? INPUT_FIRST : TIMERS_FIRST) {
      const held = this.#held[phase];
      this.#held[phase] = [];
      // The system tells of sockets in any order.
      const sockets = prng.shuffle([...new Set(held.map(({ socket }) => socket))]);
      const inOrder = sockets.flatMap((socket) => held.filter((one) => one.socket === socket));
      for (const { callback, socket } of inOrder) queue.schedule(0, () => this.#run(phase, callback, socket));
    }
  }
}
