/** A group of embedded nodes in this process, over real TCP and real directories, with a map as its state machine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStateMachine, RaftNode, type RaftNodeOptions } from '../../packages/quorate/src/index.js';
import { freePorts } from './server-cluster.js';
import { eventually } from './wait.js';

export type State = Map<string, string>;
/** `explode` makes `apply` throw. */
export type SetCommand = { readonly key: string; readonly value: string };
export type MapNode = RaftNode<SetCommand, string | null, Readonly<State>>;

/** Answers with the value before. */
export function mapMachine(): MemoryStateMachine<State, SetCommand, string | null> {
  return new MemoryStateMachine<State, SetCommand, string | null>({
    codec: {
      encode: (command) => Buffer.from(`\u0001${JSON.stringify(command)}`),
      decode(data) {
        if (data[0] !== 1) throw new Error(`unknown command version ${data[0]}`);
        return JSON.parse(Buffer.from(data).toString('utf8', 1)) as SetCommand;
      },
    },
    create: () => new Map(),
    apply(state, { key, value }) {
      if (key === 'explode') throw new Error('this command explodes');
      const before = state.get(key) ?? null;
      state.set(key, value);
      return before;
    },
    snapshots: {
      save: (state) => [Buffer.from(JSON.stringify([...state]))],
      async load(chunks) {
        const parts: Uint8Array[] = [];
        for await (const chunk of chunks) parts.push(chunk);
        return new Map(JSON.parse(Buffer.concat(parts).toString('utf8')) as [string, string][]);
      },
    },
  });
}

export class RaftGroup implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'quorate-group-'));
  readonly peers: Readonly<Record<string, string>>;
  readonly nodes = new Map<string, MapNode>();

  private constructor(peers: Readonly<Record<string, string>>) {
    this.peers = peers;
  }

  static async prepare(count = 3): Promise<RaftGroup> {
    const ports = await freePorts(count);
    return new RaftGroup(Object.fromEntries(ports.map((port, i) => [`n${i + 1}`, `127.0.0.1:${port}`])));
  }

  /** All nodes are open, and one of them leads. */
  static async start(count = 3): Promise<RaftGroup> {
    const group = await RaftGroup.prepare(count);
    await Promise.all(Object.keys(group.peers).map((id) => group.open(id)));
    await group.leader();
    return group;
  }

  async open(
    id: string,
    options: Partial<RaftNodeOptions<SetCommand, string | null, Readonly<State>>> = {},
  ): Promise<MapNode> {
    const dataDir = join(this.directory, id);
    const { peers } = this;
    const node = await RaftNode.open({ id, dataDir, peers, stateMachine: mapMachine(), tickMs: 20, ...options });
    this.nodes.set(id, node);
    return node;
  }

  node(id: string): MapNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`${id} is not open`);
    return node;
  }

  leader(): Promise<MapNode> {
    return eventually(
      'a leader',
      () => [...this.nodes.values()].find((node) => node.status().role === 'leader') ?? null,
    );
  }

  async follower(): Promise<MapNode> {
    await this.leader();
    return eventually(
      'a follower',
      () => [...this.nodes.values()].find((node) => node.status().role === 'follower') ?? null,
    );
  }

  async close(id: string): Promise<void> {
    await this.node(id).close();
    this.nodes.delete(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.nodes.values()].map((node) => node.close()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}
