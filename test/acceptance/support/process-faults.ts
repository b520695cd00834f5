/**
 * Faults of the processes of a cluster and of their disks: SIGKILL, SIGSTOP, failing writes. Each ends by itself and
 * leaves its victims running; a process that ends without having been told to is a violation.
 */
import { readFileSync } from 'node:fs';
import { unreachable } from '../../../packages/quorate/src/errors/index.js';
import { failWrites } from '../../support/faulty-disk.js';
import { endedInsideLmdb } from '../../support/lmdb-abort.js';
import type { ServerCluster, ServerProcess } from '../../support/server-cluster.js';
import { eventually } from '../../support/wait.js';
import type { Fault, ProcessFaultKind } from './fault-plan.js';
import { rest } from './rest.js';

/** So long it may take until a node writes, whoever leads, until that fails, and until the node has ended. */
const FAILURE_WITHIN_MS = 20_000;
/** What `quorate serve` exits with when its node has failed. */
const EXIT_FAILED = 1;

export class ProcessFaults {
  readonly #object: (violation: string) => void;
  /** Nodes that a fault is about to end, or has ended. */
  readonly #ending = new Set<ServerProcess>();
  #watching = true;

  constructor(cluster: ServerCluster, object: (violation: string) => void) {
    this.#object = object;
    for (const node of cluster.nodes) this.#watch(node);
  }

  /** Resolves to whether it took effect, once the victims run again. */
  apply(fault: Fault<ProcessFaultKind>, victims: readonly ServerProcess[], signal: AbortSignal): Promise<boolean> {
    switch (fault.kind) {
      case 'kill':
        return this.#kill(fault, victims, signal);
      case 'pause':
        return this.#pause(fault, victims, signal);
      case 'disk-error':
        return this.#failWrites(fault, victims, signal);
      default:
        return unreachable(fault.kind);
    }
  }

  /** From now on a process may end. */
  stopWatching(): void {
    this.#watching = false;
  }

  async #kill({ holdMs }: Fault, victims: readonly ServerProcess[], signal: AbortSignal): Promise<boolean> {
    for (const node of victims) this.#ending.add(node);
    await Promise.all(victims.map((node) => node.kill()));
    await rest(holdMs, signal);
    for (const node of victims) this.#start(node);
    return true;
  }

  async #pause({ holdMs }: Fault, victims: readonly ServerProcess[], signal: AbortSignal): Promise<boolean> {
    for (const node of victims) node.signal('SIGSTOP');
    try {
      for (const node of victims) await eventually(`${node.id} to be stopped`, () => isStopped(node.pid));
      await rest(holdMs, signal);
      return victims.every((node) => isStopped(node.pid));
    } finally {
      for (const node of victims) if (node.running) node.signal('SIGCONT');
    }
  }

  async #failWrites({ error, holdMs }: Fault, victims: readonly ServerProcess[], signal: AbortSignal) {
    const failed = await Promise.all(victims.map((node) => this.#failWritesOf(node, error, signal)));
    await rest(holdMs, signal);
    for (const node of victims) if (!node.running) this.#start(node);
    return failed.every((each) => each);
  }

  /** The first failed write must end the node, with an error: what the disk kept of it is not known. */
  async #failWritesOf(node: ServerProcess, error: Fault['error'], signal: AbortSignal): Promise<boolean> {
    const logged = node.log.length;
    this.#ending.add(node);
    const exited = node.exited().then((code) => ({ code }));
    await using writes = await failWrites(node.pid, error);
    const waited = new AbortController();
    const tooLong = rest(FAILURE_WITHIN_MS, AbortSignal.any([signal, waited.signal])).then(() => null);
    const end = await Promise.race([exited, tooLong]);
    waited.abort();
    const failures = await writes.end();
    if (end === null) {
      this.#ending.delete(node);
      if (failures > 0 && !signal.aborted) this.#object(`${node.id} still runs after ${failures} failed writes`);
      return false;
    }
    const words = node.log.slice(logged);
    const isSaid = end.code === EXIT_FAILED && words.includes(error);
    if (!isSaid && !endedInsideLmdb(end.code, words)) {
      this.#object(`a failed write ended ${node.id} with ${end.code}: ${lastWords(words)}`);
    }
    return failures > 0;
  }

  #start(node: ServerProcess): void {
    this.#ending.delete(node);
    node.start();
    this.#watch(node);
  }

  #watch(node: ServerProcess): void {
    void node.exited().then((code) => {
      if (!this.#watching || this.#ending.has(node)) return;
      this.#object(`${node.id} has ended by itself with ${code}: ${lastWords(node.log)}`);
    });
  }
}

/** The last line of a log. */
function lastWords(log: string): string {
  return log.trimEnd().split('\n').at(-1) as string;
}

/** The third field of `stat`; the name before it is in brackets. */
function isStopped(pid: number): boolean {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.startsWith('T') ?? false;
}
