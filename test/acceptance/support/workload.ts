/**
 * Writers and readers on a cluster whose nodes come and go, and what must hold of their answers. Requests are never
 * repeated: a write without an answer may or may not have happened, and both must be allowed for.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, json } from '../../support/http.js';
import type { ServerCluster, ServerProcess } from '../../support/server-cluster.js';

/** What one writer knows of its own key, whose value is a number that grows with each write. */
interface OwnKey {
  /** The number of its last acknowledged write. */
  acknowledged: number;
  /** The number of the last write that it tried. */
  tried: number;
  index: number;
  version: number;
  token: string;
}

export class Workload {
  readonly counts = {
    acknowledged: 0,
    unknown: 0,
    notApplied: 0,
    reads: 0,
    sessionReads: 0,
    failedReads: 0,
    stale: 0,
    wentBack: 0,
    untyped: 0,
  };
  readonly examples: string[] = [];
  readonly #cluster: ServerCluster;
  readonly #writers: number;
  readonly #readers: number;
  /** Key and value of every write that was acknowledged, each key written once. */
  readonly #acknowledged = new Map<string, string>();
  readonly #own = new Map<string, OwnKey>();
  #stopped = false;
  #lastAcknowledgedAt = performance.now();
  #longestPauseMs = 0;

  constructor(cluster: ServerCluster, options: { readonly writers: number; readonly readers: number }) {
    this.#cluster = cluster;
    this.#writers = options.writers;
    this.#readers = options.readers;
  }

  /** Resolves when all have come to an end after `stop`. */
  async start(): Promise<void> {
    const writers = Array.from({ length: this.#writers }, (_, i) => this.#write(`writer-${i}`));
    const readers = Array.from({ length: this.#readers }, () => this.#read());
    await Promise.all([...writers, ...readers]);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** The longest time without an acknowledged write so far. */
  longestPauseMs(): number {
    return Math.round(this.#longestPauseMs);
  }

  async #write(name: string): Promise<void> {
    const own: OwnKey = { acknowledged: 0, tried: 0, index: 0, version: 0, token: '' };
    this.#own.set(name, own);
    while (!this.#stopped) {
      const number = ++own.tried;
      const unique = `${name}/${number}`;
      await this.#put(unique, unique, () => this.#acknowledged.set(unique, unique));
      await this.#put(name, String(number), (answer) => this.#judgeOwn(name, own, number, answer));
    }
  }

  async #put(key: string, value: string, acknowledged: (answer: Record<string, unknown>) => void): Promise<void> {
    const answer = await this.#anyNode().put(key, value, '?timeout_ms=3000');
    if (answer.status === 200) {
      const now = performance.now();
      this.#longestPauseMs = Math.max(this.#longestPauseMs, now - this.#lastAcknowledgedAt);
      this.#lastAcknowledgedAt = now;
      this.counts.acknowledged++;
      acknowledged(json(answer));
      return;
    }
    if (answer.status === 0) this.counts.unknown++;
    else if (!isProblem(answer)) this.#complain('untyped', `${key}: ${answer.status} ${answer.body}`);
    else if (json(answer).outcome === 'not-applied') this.counts.notApplied++;
    else this.counts.unknown++;
    // A node that is down refuses at once; there is no use in asking it in a loop.
    await pause(10);
  }

  #judgeOwn(name: string, own: OwnKey, number: number, answer: Record<string, unknown>): void {
    const index = Number(answer.index);
    const version = Number(answer.version);
    if (index <= own.index || version <= own.version) {
      this.#complain('wentBack', `${name}: index ${own.index} to ${index}, version ${own.version} to ${version}`);
    }
    Object.assign(own, { acknowledged: number, index, version, token: String(answer.token) });
  }

  /**
   * Reads a writer's key from any node: linearizably, or with the writer's token. Either must show its last
   * acknowledged write.
   */
  async #read(): Promise<void> {
    let seenIndex = 0;
    while (!this.#stopped) {
      const name = `writer-${Math.floor(Math.random() * this.#writers)}`;
      const own = this.#own.get(name);
      if (own === undefined || own.acknowledged === 0) {
        await pause(1);
        continue;
      }
      const { acknowledged, token } = own;
      const session = Math.random() < 0.3;
      const query = session ? `?level=session&token=${token}&timeout_ms=3000` : '?timeout_ms=3000';
      const answer = await this.#anyNode().get(name, query);
      if (answer.status !== 200 && answer.status !== 404) {
        this.counts.failedReads++;
        if (answer.status !== 0 && !isProblem(answer))
          this.#complain('untyped', `read: ${answer.status} ${answer.body}`);
        await pause(10);
        continue;
      }
      this.counts[session ? 'sessionReads' : 'reads']++;
      const seen = Number(answer.body.toString());
      if (!(seen >= acknowledged)) this.#complain('stale', `${name}: read ${seen} after ${acknowledged} (${query})`);
      const applied = Number(answer.headers['quorate-applied-index']);
      if (!session) {
        if (applied < seenIndex)
          this.#complain('wentBack', `a linearizable view at ${applied} after one at ${seenIndex}`);
        seenIndex = applied;
      }
    }
  }

  #anyNode(): ServerProcess {
    const { nodes } = this.#cluster;
    return nodes[Math.floor(Math.random() * nodes.length)] as ServerProcess;
  }

  #complain(kind: 'stale' | 'wentBack' | 'untyped', example: string): void {
    this.counts[kind]++;
    if (this.examples.length < 10) this.examples.push(`${kind}: ${example}`);
  }

  /** The acknowledged writes that a node does not have, read page by page from that node. */
  async missingOn(node: ServerProcess): Promise<readonly string[]> {
    const found = new Map<string, string>();
    for (let start: string | null = ''; start !== null; ) {
      const query: string = new URLSearchParams({ limit: '1000', ...(start === '' ? {} : { start }) }).toString();
      const page = json(await node.range(query)) as {
        entries: { key: string; valueBase64: string }[];
        next: string | null;
      };
      for (const { key, valueBase64 } of page.entries) found.set(key, Buffer.from(valueBase64, 'base64').toString());
      start = page.next;
    }
    const missing = [...this.#acknowledged].filter(([key, value]) => found.get(key) !== value).map(([key]) => key);
    for (const [name, { acknowledged }] of this.#own) {
      if (Number(found.get(name) ?? 0) < acknowledged) missing.push(name);
    }
    return missing.map((key) => `${key} is not on ${node.id}`);
  }
}

function isProblem(answer: Answer): boolean {
  return answer.headers['content-type']?.startsWith('application/problem+json') === true;
}
