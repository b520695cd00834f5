/**
 * What is done to the cluster, and when, drawn from a seed: two endless sequences of faults, one for processes and
 * disks and one for the network, that overlap. Every kind comes once in each turn, so that none is left out by chance.
 */
import type { Prng } from '../../../packages/quorate/src/testing/simulator/prng.js';

export const processFaults = ['kill', 'pause', 'disk-error'] as const;
export const networkFaults = [
  'delay',
  'loss',
  'cut',
  'leader-in-minority',
  'leader-in-majority',
  'one-way-partition',
] as const;

export type ProcessFaultKind = (typeof processFaults)[number];
export type NetworkFaultKind = (typeof networkFaults)[number];
export type FaultKind = ProcessFaultKind | NetworkFaultKind;

export interface Fault<Kind extends FaultKind = FaultKind> {
  readonly kind: Kind;
  /** Nothing is done for so long, then the fault lasts for so long. */
  readonly quietMs: number;
  readonly holdMs: number;
  /** The places of all nodes in random order; the first `victims` of them are hit. */
  readonly order: readonly number[];
  readonly victims: number;
  /** Whether the leader of that moment is put first, put last, or left where it is. */
  readonly leader: 'first' | 'last' | 'anywhere';
  /** How hard, in [0, 1): delay, loss, frequency. */
  readonly strength: number;
  /** What a partition has held back is delivered at its end, however old it is; otherwise its connections break. */
  readonly releases: boolean;
  /** Of a one-way partition: whether the victims cannot be heard, or cannot hear. */
  readonly mute: boolean;
  readonly error: 'EIO' | 'ENOSPC';
}

export interface FaultPlanOptions {
  readonly random: Prng;
  readonly nodes: number;
  /** The longest pause of a process; no other fault lasts longer either. */
  readonly maxHoldMs: number;
}

/** Endless. */
export function* faultPlan<Kind extends FaultKind>(kinds: readonly Kind[], options: FaultPlanOptions) {
  if (kinds.length === 0) return;
  for (;;) for (const kind of options.random.shuffle(kinds)) yield drawFault(kind, options);
}

function drawFault<Kind extends FaultKind>(kind: Kind, { random, nodes, maxHoldMs }: FaultPlanOptions): Fault<Kind> {
  const [shortest, longest] = holdRange(kind);
  return {
    kind,
    quietMs: random.integer(500, 1_500),
    holdMs: random.integer(Math.min(shortest, maxHoldMs), Math.min(longest, maxHoldMs)),
    order: random.shuffle(Array.from({ length: nodes }, (_, place) => place)),
    victims: victimCount(kind, random, nodes),
    leader: leaderPlace(kind, random),
    strength: random.next(),
    releases: random.chance(0.5),
    mute: random.chance(0.5),
    error: random.pick(['EIO', 'ENOSPC'] as const),
  };
}

function holdRange(kind: FaultKind): readonly [number, number] {
  switch (kind) {
    case 'kill':
      return [100, 2_000];
    case 'pause':
      return [1_000, 10_000];
    case 'disk-error':
      return [100, 1_000];
    default:
      return [1_000, 5_000];
  }
}

function victimCount(kind: FaultKind, random: Prng, nodes: number): number {
  const minority = Math.floor((nodes - 1) / 2);
  switch (kind) {
    case 'kill':
      // All of them now and then: what a power cut does to processes.
      return random.pick([1, 1, 1, minority, nodes]);
    case 'pause':
      return random.pick([1, 1, minority]);
    case 'disk-error':
      // A majority, too: a write that was acknowledged before it was durable would be lost.
      return random.pick([1, 1, minority, minority + 1]);
    case 'delay':
    case 'loss':
    case 'cut':
      return random.integer(1, nodes);
    default:
      return random.integer(1, minority);
  }
}

function leaderPlace(kind: FaultKind, random: Prng): Fault['leader'] {
  if (kind === 'leader-in-minority') return 'first';
  if (kind === 'leader-in-majority') return 'last';
  return random.chance(0.5) ? 'first' : 'anywhere';
}
