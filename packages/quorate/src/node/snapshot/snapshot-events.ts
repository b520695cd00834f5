/**
 * Tells what became of snapshots, and how long it took. It only tells; it must never change what becomes of them.
 */
import { QuorateError } from '../../errors/index.js';
import type { Clock } from '../clock.js';
import type { EventChannel } from '../event-channel.js';
import type { SnapshotEvent } from '../node-events.js';

export class SnapshotEvents {
  readonly #channel: EventChannel<SnapshotEvent>;
  readonly #clock: Clock;

  constructor(channel: EventChannel<SnapshotEvent>, clock: Clock) {
    this.#channel = channel;
    this.#clock = clock;
  }

  /** For `done` and `failed`. */
  now(): number {
    return this.#clock.monotonicMs();
  }

  done(kind: SnapshotEvent['kind'], beganAtMs: number, { index, bytes }: { index: number; bytes: number }): void {
    if (!this.#channel.wanted) return;
    const durationMs = this.now() - beganAtMs;
    this.#channel.publish({ kind, outcome: 'done', code: null, index, bytes, durationMs });
  }

  failed(
    kind: SnapshotEvent['kind'],
    beganAtMs: number,
    { index, error }: { index: number | null; error: unknown },
  ): void {
    if (!this.#channel.wanted) return;
    const code = error instanceof QuorateError ? error.code : 'unknown';
    const durationMs = this.now() - beganAtMs;
    this.#channel.publish({ kind, outcome: 'failed', code, index, bytes: null, durationMs });
  }
}
