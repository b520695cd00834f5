/**
 * A fault: a leader, often with a few who follow it, is left alone until the others have another one. It must never
 * look at more of a node than who leads, as far as that one knows.
 */
import type { NemesisOptions } from './nemesis.js';
import type { Direction } from './network.js';
import { electionTimeoutMs } from './plan.js';
import type { SimulatedNode } from './simulated-node.js';
import type { Timetable } from './timetable.js';

/**
 * It stands still, or is cut off. Of what was said meanwhile, answers to its own questions of before among it, it hears
 * only when it goes on again, or a while later: for that long it leads, as far as it knows. False when nobody was there
 * to be struck.
 */
export function strand(
  options: NemesisOptions,
  timetable: Timetable,
  { leader, pause }: { readonly leader: SimulatedNode; pause(node: SimulatedNode, durationMs: number): void },
): boolean {
  const { prng, plan, network, count, record, write } = options;
  if (!leader.running || leader.paused) return false;
  const timeoutMs = electionTimeoutMs(plan);
  const isCutOff = prng.chance(0.4);
  const { group, others } = drawGroup(options, leader, isCutOff || prng.chance(0.5) ? 2 : 0);
  count('strand');
  record(`strand strikes ${group.map(({ id }) => id).join()}: ${isCutOff ? 'cut off' : 'standing still'}`);
  const answers = prng.chance(0.5) ? links(group, [leader]) : [];
  const lifts: (() => void)[] = [network.hold([...links(others, group), ...answers])];
  const aloneMs = prng.between(1.2, 3) * timeoutMs;
  const startMs = prng.between(0, 0.4) * timeoutMs;
  const endMs = startMs + aloneMs + prng.between(0, 0.5) * timeoutMs;
  if (isCutOff) {
    lifts.push(network.cut(links(group, others)));
    // What the leader still tells them waits for the disk, until its successor tells them otherwise.
    if (prng.chance(0.6)) stall(group.slice(1), endMs + prng.between(0.2, 2.5) * timeoutMs, { timetable, record });
    // A few clients go on writing where they did, while that can still pass for the leader.
    for (let left = prng.integer(1, 8); left > 0; left -= 1) {
      timetable.inThisLife(leader, prng.between(0, 0.5) * timeoutMs, () => write(leader));
    }
  } else {
    for (const node of group) timetable.inThisLife(node, startMs, () => pause(node, aloneMs));
  }
  timetable.endLater('strand', endMs, () => {
    for (const lift of lifts) lift();
  });
  return true;
}

/** The leader, and up to `most` others, who leave a quorum to themselves that can elect another one. */
function drawGroup({ prng, nodes, isQuorum }: NemesisOptions, leader: SimulatedNode, most: number) {
  const group = [leader];
  const others = new Set(nodes.filter((node) => node !== leader));
  const wanted = prng.integer(0, most);
  for (const node of prng.shuffle([...others])) {
    const areEnough = isQuorum((id) => id !== node.id && [...others].some((other) => other.id === id));
    if (group.length > wanted || !areEnough) continue;
    group.push(node);
    others.delete(node);
  }
  return { group, others: [...others] };
}

function stall(
  nodes: readonly SimulatedNode[],
  durationMs: number,
  { timetable, record }: { readonly timetable: Timetable; readonly record: (line: string) => void },
): void {
  for (const { id, drive } of nodes) {
    if (drive.trouble !== 'none') continue;
    record(`stalled disk strikes ${id}`);
    timetable.endLater(`stalled disk of ${id}`, durationMs, drive.become('stalled'));
  }
}

function links(from: readonly SimulatedNode[], to: readonly SimulatedNode[]): readonly Direction[] {
  return from.flatMap((one) => to.flatMap((other): Direction[] => (one === other ? [] : [[one.id, other.id]])));
}
