/**
 * Faults of the links between the peers, on a `TcpProxy`. Each ends by itself and leaves all links whole; it took
 * effect when bytes or connections met it, not when it was switched on.
 */
import { unreachable } from '../../../packages/quorate/src/errors/index.js';
import type { ProxyLink } from '../../support/proxy-link.js';
import type { ServerCluster, ServerProcess } from '../../support/server-cluster.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import type { Fault, NetworkFaultKind } from './fault-plan.js';
import { rest } from './rest.js';

type Effect = keyof ProxyLink['counts'];

const LONGEST_DELAY_MS = 150;
const HIGHEST_LOSS = 0.3;

export class NetworkFaults {
  readonly #cluster: ServerCluster;
  readonly #proxy: TcpProxy;

  constructor(cluster: ServerCluster, proxy: TcpProxy) {
    this.#cluster = cluster;
    this.#proxy = proxy;
  }

  /** Resolves to whether it took effect, once it is over. */
  async apply(fault: Fault<NetworkFaultKind>, victims: readonly ServerProcess[], signal: AbortSignal) {
    const { kind, strength, holdMs } = fault;
    switch (kind) {
      case 'delay':
        return this.#during('delayed', this.#around(victims), async (links) => {
          for (const link of links) {
            link.delayMs = LONGEST_DELAY_MS * strength;
            link.jitterMs = LONGEST_DELAY_MS * (1 - strength);
          }
          await rest(holdMs, signal);
        });
      case 'loss':
        return this.#during('lost', this.#around(victims), async (links) => {
          for (const link of links) link.lossProbability = 0.02 + HIGHEST_LOSS * strength;
          await rest(holdMs, signal);
        });
      case 'cut':
        return this.#during('broken', this.#around(victims), (links) => cutAgainAndAgain(links, fault, signal));
      case 'leader-in-minority':
      case 'leader-in-majority':
        return this.#partition([...this.#from(victims), ...this.#to(victims)], fault, signal);
      case 'one-way-partition':
        return this.#partition(fault.mute ? this.#from(victims) : this.#to(victims), fault, signal);
      default:
        return unreachable(kind);
    }
  }

  #partition(links: readonly ProxyLink[], { holdMs, releases }: Fault, signal: AbortSignal): Promise<boolean> {
    return this.#during('held', links, async () => {
      for (const link of links) link.block();
      await rest(holdMs, signal);
      if (!releases) for (const link of links) link.cut();
    });
  }

  async #during(
    effect: Effect,
    links: readonly ProxyLink[],
    act: (links: readonly ProxyLink[]) => Promise<void>,
  ): Promise<boolean> {
    const total = () => links.reduce((sum, { counts }) => sum + counts[effect], 0);
    const before = total();
    try {
      await act(links);
    } finally {
      for (const link of links) link.heal();
    }
    return total() > before;
  }

  /** What the nodes say to those that are not among them. */
  #from(nodes: readonly ServerProcess[]): readonly ProxyLink[] {
    const others = this.#cluster.nodes.filter((node) => !nodes.includes(node));
    return nodes.flatMap((node) => others.map((other) => this.#proxy.link(node.id, other.id)));
  }

  /** What the nodes hear from those that are not among them. */
  #to(nodes: readonly ServerProcess[]): readonly ProxyLink[] {
    const others = this.#cluster.nodes.filter((node) => !nodes.includes(node));
    return nodes.flatMap((node) => others.map((other) => this.#proxy.link(other.id, node.id)));
  }

  /** All links that one of the nodes is an end of. */
  #around(nodes: readonly ServerProcess[]): readonly ProxyLink[] {
    return this.#cluster.nodes.flatMap((one) =>
      this.#cluster.nodes
        .filter((other) => other !== one && (nodes.includes(one) || nodes.includes(other)))
        .map((other) => this.#proxy.link(one.id, other.id)),
    );
  }
}

async function cutAgainAndAgain(links: readonly ProxyLink[], { holdMs, strength }: Fault, signal: AbortSignal) {
  const end = performance.now() + holdMs;
  while (performance.now() < end && !signal.aborted) {
    for (const link of links) link.cut();
    await rest(100 + 900 * (1 - strength), signal);
  }
}
