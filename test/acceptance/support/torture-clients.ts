/**
 * Clients of all servers at once, on a few keys: writes, compare-and-sets and reads, each value written once. No
 * request is ever repeated. A key retires after some operations, for a checker's work grows with what is unknown of it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Prng } from '../../../packages/quorate/src/testing/simulator/prng.js';
import { type Answer, ask, json } from '../../support/http.js';
import type { ServerCluster, ServerProcess } from '../../support/server-cluster.js';
import { eventually } from '../../support/wait.js';
import type { HistoryRecorder, Operation, Value } from './history-recorder.js';

export interface TortureClientsOptions {
  readonly cluster: ServerCluster;
  readonly recorder: HistoryRecorder;
  readonly random: Prng;
  /** Spread evenly over the servers. */
  readonly clients: number;
  readonly liveKeys: number;
  readonly operationsPerKey: number;
  /** Of the reads; anything but `linearizable` is there to see the checker object. */
  readonly level: string;
}

/** What the server is told, and how long a client waits all the same. */
interface Patience {
  readonly deadlineMs: number;
  readonly timeoutMs: number;
}

/** Longer than any pause of a process, so that what it says when it wakes up is heard. */
const PATIENT: Patience = { deadlineMs: 2_000, timeoutMs: 15_000 };
const IMPATIENT: Patience = { deadlineMs: 2_000, timeoutMs: 3_000 };
const AT_THE_END: Patience = { deadlineMs: 10_000, timeoutMs: 15_000 };
/** Between two requests of a client, and after one that nobody took. */
const THINK_MS = 30;
const REFUSED_MS = 150;

export class TortureClients {
  /** What must not have happened, in words. */
  readonly violations: string[] = [];
  /** Answered reads by server. */
  readonly readsOn: Record<string, number> = {};
  /** Every key so far. */
  readonly keys: string[] = [];
  acknowledged = 0;
  /** Reads that answered an older version of a key than someone had been told of before they began. */
  stale = 0;
  /** Of the reads at the end, when every replica has applied everything. */
  lost = 0;
  readonly #options: TortureClientsOptions;
  readonly #operations = new Map<string, number>();
  #live: string[] = [];
  /** By key: the newest version that anyone was told, and its value. */
  readonly #newest = new Map<string, { readonly version: number; readonly value: Value }>();
  /** Both ways, for every version that anyone was told. */
  readonly #valueOf = new Map<string, string>();
  readonly #versionOf = new Map<string, number>();
  #values = 0;
  #stopped = false;
  #lastAcknowledgedAt = performance.now();
  #longestOutageMs = 0;
  #slowestAnswerMs = 0;
  #atTheEnd = false;

  constructor(options: TortureClientsOptions) {
    this.#options = options;
    for (let i = 0; i < options.liveKeys; i += 1) this.#live.push(this.#newKey());
  }

  /** Resolves when all have come to an end after `stop`. */
  async start(): Promise<void> {
    const { cluster, clients } = this.#options;
    const { nodes } = cluster;
    await Promise.all(
      Array.from({ length: clients }, (_, i) => this.#run(`c${i}`, nodes[i % nodes.length] as ServerProcess)),
    );
  }

  stop(): void {
    this.#noteOutage();
    this.#stopped = true;
  }

  /** The longest time without an acknowledged write, until `stop`. */
  get longestOutageMs(): number {
    return Math.round(this.#longestOutageMs);
  }

  /** The longest time from a call to its answer, a broken connection being one. */
  get slowestAnswerMs(): number {
    return Math.round(this.#slowestAnswerMs);
  }

  /** Resolves when another write is acknowledged. */
  async acknowledgedAnew(): Promise<void> {
    const { acknowledged } = this;
    await eventually('a write to be acknowledged', () => this.acknowledged > acknowledged);
  }

  /** Reads every key on every replica; each must answer. */
  async readEverywhere(): Promise<void> {
    this.#atTheEnd = true;
    await Promise.all(
      this.#options.cluster.nodes.map(async (node) => {
        for (const key of this.keys) {
          const type = await this.#do(`end-${node.id}`, node, key, { f: 'read' }, AT_THE_END);
          if (type !== 'ok') this.#object(`at the end ${node.id} does not answer a read of ${key}`);
        }
      }),
    );
  }

  async #run(name: string, node: ServerProcess): Promise<void> {
    const random = this.#options.random.fork();
    while (!this.#stopped) {
      const key = random.pick(this.#live);
      this.#used(key);
      const operation = this.#operation(key, random.next());
      const type = await this.#do(name, node, key, operation, random.chance(0.5) ? PATIENT : IMPATIENT);
      await pause(type === 'ok' ? THINK_MS * (0.5 + random.next()) : REFUSED_MS);
    }
  }

  #operation(key: string, chance: number): Operation {
    if (chance < 0.4) return { f: 'read' };
    this.#values += 1;
    const value = `v${this.#values}`;
    if (chance < 0.65) return { f: 'write', value };
    const { version, value: expected } = this.#newest.get(key) ?? { version: 0, value: null };
    return { f: 'cas', version, expected, value };
  }

  async #do(name: string, node: ServerProcess, key: string, operation: Operation, patience: Patience): Promise<string> {
    const { deadlineMs, timeoutMs } = patience;
    const url = `${node.url}/v1/kv/${key}?timeout_ms=${deadlineMs}`;
    const request = (): Promise<Answer> => {
      if (operation.f === 'read') {
        return ask(`${url}&level=${this.#options.level}`, { timeoutMs });
      }
      const condition = operation.f === 'cas' ? `&if_version=${operation.version}` : '';
      return ask(`${url}${condition}`, { method: 'PUT', body: operation.value, timeoutMs });
    };
    const toldBefore = this.#newest.get(key)?.version ?? 0;
    const beganAt = performance.now();
    const { answer, outcome } = await this.#options.recorder.record(name, key, operation, request);
    this.#slowestAnswerMs = Math.max(this.#slowestAnswerMs, performance.now() - beganAt);
    if (outcome.type === 'untyped')
      this.#object(`${node.id}: ${answer.status} ${answer.body.toString().slice(0, 200)}`);
    if (outcome.type !== 'ok') return outcome.type;
    if (operation.f === 'read') {
      this.readsOn[node.id] = (this.readsOn[node.id] ?? 0) + 1;
      const version = outcome.read === null ? 0 : Number(answer.headers['quorate-version']);
      if (version < toldBefore) this[this.#atTheEnd ? 'lost' : 'stale'] += 1;
      if (outcome.read !== null) this.#learn(key, version, outcome.read);
    } else {
      this.#writeAcknowledged();
      this.#learn(key, Number(json(answer).version), operation.value);
    }
    return outcome.type;
  }

  #writeAcknowledged(): void {
    this.#noteOutage();
    this.#lastAcknowledgedAt = performance.now();
    this.acknowledged += 1;
  }

  #noteOutage(): void {
    if (this.#stopped) return;
    this.#longestOutageMs = Math.max(this.#longestOutageMs, performance.now() - this.#lastAcknowledgedAt);
  }

  /** That a version has one value and a value one version is what makes a condition on a version one on the value. */
  #learn(key: string, version: number, value: string): void {
    const known = this.#valueOf.get(`${key}@${version}`);
    if (!Number.isSafeInteger(version) || (known !== undefined && known !== value)) {
      this.#object(`version ${version} of ${key} has the values ${known} and ${value}`);
    }
    const before = this.#versionOf.get(value);
    if (before !== undefined && before !== version) {
      this.#object(`${value} was written once and has the versions ${before} and ${version} of ${key}`);
    }
    this.#valueOf.set(`${key}@${version}`, value);
    this.#versionOf.set(value, version);
    if (version > (this.#newest.get(key)?.version ?? 0)) this.#newest.set(key, { version, value });
  }

  #used(key: string): void {
    const operations = (this.#operations.get(key) ?? 0) + 1;
    this.#operations.set(key, operations);
    if (operations < this.#options.operationsPerKey) return;
    this.#live = this.#live.filter((live) => live !== key);
    this.#live.push(this.#newKey());
  }

  #newKey(): string {
    const key = `key-${this.keys.length + 1}`;
    this.keys.push(key);
    return key;
  }

  #object(violation: string): void {
    if (this.violations.length < 20) this.violations.push(violation);
  }
}
