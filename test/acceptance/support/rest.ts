/** Waiting that ends early, and without an error, when the whole scenario is to end. */
import { setTimeout as pause } from 'node:timers/promises';

export async function rest(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await pause(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
