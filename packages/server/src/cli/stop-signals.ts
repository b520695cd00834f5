/**
 * When to stop: the first SIGINT, SIGTERM or SIGHUP asks for it, a second one ends the process at once. A Ctrl-C that
 * arrives twice must not count as two.
 */
import { endAtOnce } from './end-process.js';

/** From the terminal, and once more from npm or npx, which pass on what reached the whole group anyway. */
const SAME_SIGNAL_MS = 500;

/** Aborted by the first signal. */
export function stopOnSignals(): AbortController {
  const controller = new AbortController();
  let firstAtMs = Number.POSITIVE_INFINITY;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const nowMs = performance.now();
      if (!controller.signal.aborted) {
        firstAtMs = nowMs;
        controller.abort(new Error(signal));
      } else if (nowMs - firstAtMs > SAME_SIGNAL_MS) endAtOnce();
    });
  }
  return controller;
}
