/**
 * What random faults hit too rarely: acknowledgements are on their way to a leader while its process is stopped, the
 * others elect a new leader, and the old one goes on before anything of that reaches it. It decides what arrives when,
 * and must leave the network as it found it.
 */

import type { World } from '../../../packages/quorate/src/testing/simulator/index.js';
import type { Direction } from '../../../packages/quorate/src/testing/simulator/network.js';

type Node = World['nodes'][number];

/** Until there are acknowledgements under way. */
const HELD_MS = 100;
/** How long the new leader takes writes, and then the old one reads. */
const LED_MS = 200;
const READ_MS = 100;
const LOOK_MS = 20;

/**
 * Strikes the leader again and again until `untilMs`, each time for as long as an election takes. Returns how often.
 */
export function holdAcknowledgements(world: World, untilMs: number): { readonly count: number } {
  const { nodes, network, queue } = world;
  const strikes = { count: 0 };
  const from = (nodes: readonly Node[], to: Node) => nodes.map(({ id }): Direction => [id, to.id]);
  const to = (nodes: readonly Node[], from: Node) => nodes.map(({ id }): Direction => [from.id, id]);

  const lookForLeader = () => {
    const leader = nodes.find((node) => node.status()?.role === 'leader');
    if (queue.nowMs > untilMs) return;
    if (leader === undefined) queue.schedule(LOOK_MS, lookForLeader);
    else strike(leader);
  };
  const strike = (old: Node) => {
    const others = nodes.filter((node) => node !== old);
    const releases = new Map(others.map((node) => [node, network.hold(from([node], old))]));
    queue.schedule(HELD_MS, () => {
      old.pause();
      lookForSuccessor(old, releases, network.hold(to(others, old)));
    });
  };
  const lookForSuccessor = (old: Node, releases: ReadonlyMap<Node, () => void>, unmute: () => void) => {
    const successor = [...releases.keys()].find((node) => node.status()?.role === 'leader');
    if (successor === undefined) {
      queue.schedule(LOOK_MS, () => lookForSuccessor(old, releases, unmute));
      return;
    }
    strikes.count += 1;
    queue.schedule(LED_MS, () => old.resume());
    queue.schedule(LED_MS + READ_MS, () => {
      for (const [node, release] of releases) if (node !== successor) release();
    });
    queue.schedule(LED_MS + 2 * READ_MS, () => {
      releases.get(successor)?.();
      unmute();
      queue.schedule(HELD_MS, lookForLeader);
    });
  };
  queue.schedule(LOOK_MS, lookForLeader);
  return strikes;
}
