/**
 * One `quorate serve` process that this process started. It gets its own session, so that Ctrl-C in the terminal
 * reaches only us and we decide how it ends; it stops by itself when the channel to us breaks, however we ended.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { MAIN } from '../shell.js';
import type { NodePlan } from './plan.js';

/** How long a server may take to stop before it is killed, in milliseconds. */
const STOP_TIMEOUT_MS = 10_000;

export interface ProcessEnd {
  readonly plan: NodePlan;
  /** `exit code 1` or `signal SIGKILL`. */
  readonly how: string;
  /** The sentence it left on standard error, if it left one. */
  readonly lastWords: string | null;
}

export class ServerProcess {
  readonly plan: NodePlan;
  /** Settles when the process has ended, in any way. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;

  constructor(plan: NodePlan) {
    this.plan = plan;
    const log = openSync(plan.logFile, 'a');
    this.#child = spawn(process.execPath, [MAIN, ...plan.serveArguments, '--stop-with-parent'], {
      detached: true,
      env: withoutOwnVariables(process.env),
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.ended = this.#watch();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined;
  }

  /** Resolves when the process has ended. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.#child.kill('SIGTERM');
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.ended;
    clearTimeout(kill);
  }

  async #watch(): Promise<ProcessEnd> {
    try {
      const [code, signal] = (await once(this.#child, 'exit')) as [number | null, string | null];
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      return { plan: this.plan, how, lastWords: lastWords(this.plan.logFile) };
    } catch (error) {
      return {
        plan: this.plan,
        how: 'a failed start',
        lastWords: error instanceof Error ? error.message : String(error),
      };
    }
  }
}

/** What is set for `quorate cluster` must not decide what its servers do: the printed lines would not do the same. */
function withoutOwnVariables(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('QUORATE_')));
}

/** The last line of the log that is no JSON but a sentence of the command. */
function lastWords(logFile: string): string | null {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n');
  const last = lines.at(-1) ?? '';
  return last.startsWith('quorate: ') ? last.slice('quorate: '.length) : null;
}
