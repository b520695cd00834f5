/**
 * How a node's disk behaves: slow, stalled, failing or full for a while. It stands between the simulated disk and the
 * process, and must never let an operation of a dead process have its effect.
 */
import type { EventQueue } from './event-queue.js';
import type { Plan } from './plan.js';
import type { Prng } from './prng.js';
import type { DiskOperation } from './simulated-disk.js';
import type { SimulatedProcess } from './simulated-process.js';

/** `failing` strikes once, at the next operation that it concerns; the rest last until they are cured. */
export type DriveTrouble = 'none' | 'slow' | 'stalled' | 'failing' | 'full';

/** A write that was begun slowly still ends while the world recovers. */
export const SLOWEST_MS = 3_000;

export class SimulatedDrive {
  readonly #options: { readonly plan: Plan['disk']; readonly queue: EventQueue; readonly prng: Prng };
  #trouble: DriveTrouble = 'none';
  /** How often it has changed. */
  #troubles = 0;
  #slowness = 1;
  /** Called when the trouble meets an operation for the first time. */
  #onStruck: (() => void) | null = null;
  readonly #failed = new WeakSet<SimulatedProcess>();
  /** Operations that wait for a stall to end. */
  #stalled: (() => void)[] = [];

  constructor(options: { readonly plan: Plan['disk']; readonly queue: EventQueue; readonly prng: Prng }) {
    this.#options = options;
  }

  /** Whether an operation of the process has failed. */
  hasFailed(process: SimulatedProcess): boolean {
    return this.#failed.has(process);
  }

  /** What is wrong with it now, or will be. */
  get trouble(): DriveTrouble {
    return this.#trouble;
  }

  /**
   * `slowness` multiplies the time of each operation; `onStruck` is called when the trouble meets an operation. Both it
   * and the caller get what ends this trouble, and no later one.
   */
  become(
    trouble: DriveTrouble,
    { slowness = 1, onStruck = null }: { slowness?: number; onStruck?: ((end: () => void) => void) | null } = {},
  ): () => void {
    this.#troubles += 1;
    const number = this.#troubles;
    const end = () => {
      if (this.#troubles === number) this.become('none');
    };
    this.#trouble = trouble;
    this.#slowness = slowness;
    this.#onStruck = onStruck === null ? null : () => onStruck(end);
    if (trouble !== 'stalled') this.#release();
    else if (this.#stalled.length > 0) this.#struck();
    return end;
  }

  #release(): void {
    const waiting = this.#stalled;
    this.#stalled = [];
    for (const go of waiting) go();
  }

  /** Resolves, in the process's own turn, when the operation may have its effect; rejects when it fails. */
  perform({ kind, path }: DiskOperation, process: SimulatedProcess): Promise<void> {
    const { queue } = this.#options;
    return new Promise((resolve, reject) => {
      const finish = () => {
        const error = this.#failure(kind, path);
        if (error !== null) this.#failed.add(process);
        process.input('disk', () => (error === null ? resolve() : reject(error)));
      };
      queue.schedule(this.#delayMs(kind), () => {
        if (this.#trouble !== 'stalled') {
          finish();
          return;
        }
        this.#stalled.push(finish);
        this.#struck();
      });
    });
  }

  #delayMs(kind: DiskOperation['kind']): number {
    const { plan, prng } = this.#options;
    const delayMs = prng.between(plan.delayMs.min, plan.delayMs.max);
    const isDurable = kind === 'write-durably' || kind === 'sync' || kind === 'sync-directory';
    if (isDurable && this.#trouble === 'slow') this.#struck();
    return isDurable ? Math.min(delayMs * this.#slowness, SLOWEST_MS) : Math.min(delayMs, 1);
  }

  #failure(kind: DiskOperation['kind'], path: string): Error | null {
    const concerns =
      (this.#trouble === 'failing' && (kind === 'write-durably' || kind === 'sync')) ||
      (this.#trouble === 'full' && (kind === 'write' || kind === 'create' || kind === 'write-durably'));
    if (!concerns) return null;
    this.#struck();
    const code = this.#trouble === 'full' ? 'ENOSPC' : 'EIO';
    if (this.#trouble === 'failing') this.#trouble = 'none';
    return Object.assign(new Error(`${code}: ${path}`), { code });
  }

  #struck(): void {
    const onStruck = this.#onStruck;
    this.#onStruck = null;
    onStruck?.();
  }
}
