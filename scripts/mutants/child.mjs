/**
 * One run of Node in a copy, with a limit in time, ended when the signal fires. It must never leave a process behind.
 */
import { spawn } from 'node:child_process';

/** A process that heeds no SIGTERM gets this long. */
const GRACE_MS = 5_000;
const MAX_OUTPUT = 16 * 1024 * 1024;

/** Resolves to `{ exitCode, stdout, stderr, timedOut }`; of long outputs to their end. Rejects when it cannot start. */
export function runChild(args, { cwd, timeoutMs, signal }) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) {
      child[stream].setEncoding('utf8').on('data', (text) => {
        output[stream] = (output[stream] + text).slice(-MAX_OUTPUT);
      });
    }
    let timedOut = false;
    let killTimer;
    const end = () => {
      child.kill('SIGTERM');
      killTimer ??= setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    };
    const timer = setTimeout(() => {
      timedOut = true;
      end();
    }, timeoutMs);
    signal.addEventListener('abort', end, { once: true });
    const settle = (finish) => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      signal.removeEventListener('abort', end);
      finish();
    };
    child.once('error', (error) => settle(() => reject(error)));
    child.once('close', (exitCode) => settle(() => resolve({ ...output, exitCode, timedOut })));
  });
}
