/**
 * The cluster of one scenario: its nodes, the network between them, and the moves that several commands share. Every
 * move returns what it did as lines of text; nothing moves by itself.
 */
import type { NodeId, RaftMessage } from '../../../packages/quorate/src/core/index.js';
import { describeMessage } from './message-text.js';
import { Network } from './network.js';
import { NOW, ScenarioNode, type ScenarioNodeOptions } from './scenario-node.js';

type Lines = readonly string[];

/** More rounds than any cluster of a scenario needs to come to rest. */
const MAX_ROUNDS = 200;

export class Environment {
  readonly network = new Network();
  /** `log-level none`: commands only say `ok`. */
  quiet = false;
  readonly #nodes = new Map<NodeId, ScenarioNode>();

  get nodes(): readonly ScenarioNode[] {
    return [...this.#nodes.values()];
  }

  addNode(options: ScenarioNodeOptions): void {
    const node = new ScenarioNode(options, (message) => this.network.send(message));
    this.#nodes.set(node.id, node);
  }

  node(id: string): ScenarioNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  /** The named nodes, or all of them when none is named. */
  select(ids: readonly string[]): readonly ScenarioNode[] {
    return ids.length === 0 ? this.nodes : ids.map((id) => this.node(id));
  }

  /** Delivers what is under way to these nodes; what is for a paused one stays under way, for a dead one is lost. */
  deliver(to: readonly ScenarioNode[], type: string | null): Lines {
    const open = to.filter(({ paused }) => !paused).map(({ id }) => ({ from: null, to: id, type }));
    return this.network.take(open).map((message) => this.#deliverOne(message));
  }

  #deliverOne(message: RaftMessage): string {
    const node = this.node(message.to);
    if (!node.runs) return `dropped: ${describeMessage(message)}`;
    node.raw.step(message, NOW);
    return describeMessage(message);
  }

  /** Loses what is under way to these nodes. */
  drop(to: readonly ScenarioNode[], type: string | null): Lines {
    const lost = this.network.take(to.map(({ id }) => ({ from: null, to: id, type })));
    return lost.map((message) => `dropped: ${describeMessage(message)}`);
  }

  /** Lets nodes and messages go on until nothing is left to do. */
  stabilize(nodes: readonly ScenarioNode[]): Lines {
    const lines: string[] = [];
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const before = lines.length;
      const active = nodes.filter(({ isActive }) => isActive);
      for (const node of active) {
        if (node.raw.hasReady()) lines.push(`> ${node.id} handling Ready`, ...indent(node.processReady()));
      }
      for (const node of nodes) {
        const delivered = this.deliver([node], null);
        if (delivered.length > 0) lines.push(`> ${node.id} receiving messages`, ...indent(delivered));
      }
      for (const node of active) {
        while (node.hasAppendWork) {
          lines.push(`> ${node.id} processing append thread`, ...indent(node.processAppendThread()));
        }
      }
      for (const node of active) {
        while (node.hasApplyWork) {
          lines.push(`> ${node.id} processing apply thread`, ...indent(node.processApplyThread()));
        }
      }
      if (lines.length === before) return lines;
    }
    throw new Error(`the cluster does not come to rest within ${MAX_ROUNDS} rounds`);
  }
}

export function indent(lines: Lines): Lines {
  return lines.map((line) => `  ${line}`);
}
