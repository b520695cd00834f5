/**
 * A fault: a bit of what a log has called durable long since is flipped while its process is down. One at a time on a
 * disk, so that it can be taken back. It must never touch what a torn write may have left.
 */
import type { Prng } from './prng.js';
import type { SimulatedNode } from './simulated-node.js';

export interface LogDamageOptions {
  readonly nodes: readonly SimulatedNode[];
  readonly prng: Prng;
  readonly record: (line: string) => void;
  /** Ends a process, for good or for a while. */
  readonly crash: (node: SimulatedNode) => void;
}

export class LogDamage {
  readonly #options: LogDamageOptions;
  /** The nodes with damaged disks, with what takes it back. */
  readonly #damaged = new Map<SimulatedNode, () => void>();

  constructor(options: LogDamageOptions) {
    this.#options = options;
  }

  has(node: SimulatedNode): boolean {
    return this.#damaged.has(node);
  }

  /** False when nothing is durable anywhere but what was written last. */
  strike(): boolean {
    const { nodes, prng, record, crash } = this.#options;
    const node = prng.shuffle(nodes).find((one) => !this.has(one) && lastingParts(one).length > 0);
    if (node === undefined) {
      // The next start begins another segment.
      const open = nodes.filter(({ raft }) => raft !== null);
      if (open.length > 0) crash(prng.pick(open));
      return false;
    }
    if (node.running) crash(node);
    const parts = lastingParts(node);
    // A segment that was being made may have gone with the power.
    if (parts.length === 0) return false;
    const { path, bytes } = prng.pick(parts);
    const offset = prng.integer(0, bytes - 1);
    const mask = 1 << prng.integer(0, 7);
    record(`damaged log strikes ${node.id}: ${path} at ${offset}`);
    node.disk.damage(path, offset, mask);
    this.#damaged.set(node, () => {
      // The padding between two records is checked by nobody, so such a log goes on, and may be cut.
      if (node.disk.files.includes(path)) node.disk.damage(path, offset, mask);
    });
    return true;
  }

  /** Takes it back. */
  repair(node: SimulatedNode): void {
    this.#damaged.get(node)?.();
    this.#damaged.delete(node);
  }
}

/** What later writes name as durable. What nothing names yet, behind it, may be a torn write, and is no damage. */
function lastingParts({ disk }: SimulatedNode): readonly { readonly path: string; readonly bytes: number }[] {
  const segments = disk.files.filter((path) => path.includes('/log/') && path.endsWith('.log'));
  const newest = segments.at(-1);
  return segments
    .map((path) => ({ path, bytes: path === newest ? disk.reliedOnBytes(path) : Math.ceil(disk.usedBytes(path) / 2) }))
    .filter(({ bytes }) => bytes > 0);
}
