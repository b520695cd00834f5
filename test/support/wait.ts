/**
 * Waiting for something to become true, with a deadline that fails loudly. Never used to give a race time to go away.
 */
import { setTimeout as pause } from 'node:timers/promises';

/** Asks again and again until the answer is neither null nor false. Throws, naming `what`, when the time is over. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | null | false> | T | null | false,
  { timeoutMs = 20_000, everyMs = 20 }: { readonly timeoutMs?: number; readonly everyMs?: number } = {},
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== null && found !== false) return found;
    if (performance.now() > end) throw new Error(`after ${timeoutMs} ms still waiting for: ${what}`);
    await pause(everyMs);
  }
}
