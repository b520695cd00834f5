/**
 * What one run is like: how large, how slow, which faults and how often. Drawn from the seed with each fault on or
 * off by a coin (swarm testing, Groce et al., ISSTA 2012), for runs that have everything on hide the defects that
 * need quiet. Plain numbers only.
 */
import type { ReplicaTuning } from '../../node/index.js';
import type { Prng } from './prng.js';
import type { WorkloadPlan } from './workload.js';

/** Lowest and highest value of something drawn anew each time, in milliseconds. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Mean virtual milliseconds between two faults of a kind; null: none in this run. */
export interface FaultRates {
  readonly crash: number | null;
  readonly stop: number | null;
  readonly pause: number | null;
  readonly block: number | null;
  readonly partition: number | null;
  readonly hold: number | null;
  readonly strand: number | null;
  readonly relapse: number | null;
  readonly reset: number | null;
  readonly slowDisk: number | null;
  readonly stalledDisk: number | null;
  readonly failingDisk: number | null;
  readonly fullDisk: number | null;
  readonly damagedLog: number | null;
  readonly clockJump: number | null;
  readonly transfer: number | null;
  readonly campaign: number | null;
}

/** What the nodes outside the healed majority do while its liveness is checked. */
export type Outsiders = 'none' | 'crashed' | 'paused' | 'stalled' | 'cut' | 'send-only' | 'receive-only';

export interface Plan {
  readonly voters: number;
  readonly learners: number;
  /** Start inside a joint configuration: the outgoing voters are some of the voters and one node more. */
  readonly joint: boolean;
  /** How much more slowly than in the densest runs everything follows upon everything else. */
  readonly pace: number;
  /** How long faults and clients go on. */
  readonly faultsMs: number;
  readonly tuning: ReplicaTuning & { readonly tickMs: number; readonly electionTicks: number };
  readonly network: {
    readonly delayMs: Range;
    readonly loss: number;
    readonly duplication: number;
    /** Share of the messages that take up to `straggleMs` instead; of those that were held back it is a third. */
    readonly stragglers: number;
    readonly straggleMs: number;
    /** Deliver each link's messages in the order of sending, as a connection does. */
    readonly inOrder: boolean;
    /** A cut link loses what is under way on it, too. */
    readonly cutsTakeMessages: boolean;
    /** Probability that a loss is reported to the sender through `unreachable`. */
    readonly reportsLoss: number;
  };
  readonly disk: {
    readonly delayMs: Range;
    readonly segmentBytes: number;
  };
  readonly node: {
    /** How long inputs may wait before the node's loop takes them all in one turn. */
    readonly turnMs: Range;
    /** How long each entry takes to apply. */
    readonly applyMs: Range;
    /** The state machine's data survive a crash. */
    readonly durableState: boolean;
    /** Wall clocks differ by up to this much. */
    readonly clockSkewMs: number;
    /** Monotonic clocks run faster or slower by up to this share. */
    readonly clockDrift: number;
  };
  readonly limits: {
    readonly maxAppendBytes: number;
    readonly maxInflightAppends: number;
    readonly maxInflightBytes: number;
    readonly maxUncommittedBytes: number;
  };
  readonly faults: FaultRates;
  readonly workload: WorkloadPlan;
  readonly outsiders: Outsiders;
}

/** The shortest election timeout of a run, in milliseconds: what its faults and its patience are measured in. */
export function electionTimeoutMs({ tuning }: Plan): number {
  return tuning.tickMs * tuning.electionTicks;
}

/** Draws the plan of a run. */
export function drawPlan(prng: Prng): Plan {
  const voters = prng.pick([1, 2, 3, 3, 3, 3, 4, 5, 5, 6, 7]);
  const node = drawNode(prng);
  const limits = drawLimits(prng);
  const electionTicks = prng.pick([10, 10, 10, 5, 20]);
  const areReadsTight = prng.chance(0.2);
  const pace = prng.pick(PACES);
  const tickMs = prng.pick(pace < 16 ? [50, 50, 50, 100] : [50, 100, 200, 500]);
  // Faults leave time for an election now and then.
  const stretch = Math.max(pace, (tickMs * electionTicks) / 500);
  const network = drawNetwork(prng);
  const disk = drawDisk(prng);
  const faults = drawFaults(prng, stretch);
  return {
    pace,
    voters,
    learners: prng.chance(0.25) ? 1 : 0,
    joint: voters >= 3 && prng.chance(0.15),
    faultsMs: stretch * prng.integer(4_000, 8_000),
    tuning: {
      ...{ tickMs, electionTicks },
      heartbeatTicks: prng.pick([1, 1, 1, 2]),
      maxWaitingReads: areReadsTight ? 8 : 4_096,
      maxLag: prng.pick([10_240, 10_240, 10_240, 20]),
      ...drawSnapshots(prng),
      maxPendingWriteBytes: prng.chance(0.1) ? 2_000 : 64 * 1_048_576,
    },
    ...{ network, disk, node, limits },
    faults: { ...faults, ...(voters === 1 ? OF_SEVERAL : voters === 2 ? OF_MORE : {}) },
    workload: drawWorkload(prng, { network, disk, node, limits, pace }),
    outsiders: prng.pick(['none', 'crashed', 'paused', 'stalled', 'cut', 'send-only', 'receive-only']),
  };
}

/** Dense runs for what goes wrong while something else does, slow ones for what takes a quiet cluster to go wrong. */
const PACES = [1, 1, 4, 16, 96];
const OF_SEVERAL = { partition: null, hold: null, strand: null, relapse: null, reset: null, campaign: null } as const;
/** One of two that is left alone leaves nobody who could elect another. */
const OF_MORE = { strand: null } as const;
const RANGE = { none: { min: 0, max: 0 }, fast: { min: 0.05, max: 2 } } as const;

/** Often enough that logs are cut in most worlds, and followers that were away find less than they need. */
function drawSnapshots(prng: Prng) {
  return {
    snapshotEntries: prng.pick([5, 30, 200, 8_192]),
    keptEntries: prng.pick([0, 0, 5, 100]),
    keptSnapshots: prng.integer(1, 3),
    snapshotBytesPerSecond: prng.pick([1_024, 1_048_576]),
  };
}

function drawDisk(prng: Prng): Plan['disk'] {
  const usual = { min: 0.5, max: 20 };
  return {
    delayMs: prng.pick([RANGE.none, RANGE.fast, usual, usual, { min: 1, max: 120 }]),
    segmentBytes: prng.pick([8_192, 16_384, 65_536]),
  };
}

function drawNetwork(prng: Prng): Plan['network'] {
  const inOrder = prng.chance(0.5);
  return {
    delayMs: prng.pick([RANGE.none, RANGE.fast, { min: 0.5, max: 10 }, { min: 5, max: 60 }]),
    loss: prng.pick([0, 0, 0.01, 0.1, 0.25]),
    duplication: prng.pick([0, 0.05, 0.3]),
    // Whatever comes late on a connection holds up the rest.
    stragglers: prng.pick(inOrder ? [0, 0, 0.01] : [0, 0, 0.01, 0.05]),
    straggleMs: prng.pick(inOrder ? [300, 1_000] : [300, 3_000, 15_000]),
    inOrder,
    cutsTakeMessages: prng.chance(0.5),
    reportsLoss: prng.pick([0, 0.5]),
  };
}

function drawNode(prng: Prng): Plan['node'] {
  return {
    turnMs: prng.pick([RANGE.none, RANGE.none, { min: 0, max: 3 }]),
    applyMs: prng.pick([RANGE.none, { min: 0, max: 0.5 }, { min: 0, max: 8 }]),
    durableState: prng.chance(0.3),
    clockSkewMs: prng.pick([0, 50, 60_000]),
    clockDrift: prng.pick([0, 0.001, 0.1]),
  };
}

function drawLimits(prng: Prng): Plan['limits'] {
  const areTight = prng.chance(0.4);
  const limit = (tight: readonly number[], wide: number) => (areTight ? prng.pick([...tight, wide]) : wide);
  return {
    maxAppendBytes: limit([1, 300, 4_096], 1_048_576),
    maxInflightAppends: limit([1, 4], 256),
    maxInflightBytes: limit([1, 2_000], 16 * 1_048_576),
    maxUncommittedBytes: limit([1_000], 64 * 1_048_576),
  };
}

function drawFaults(prng: Prng, stretch: number): FaultRates {
  const rate = (min: number, max: number) => (prng.chance(0.35) ? prng.integer(min, max) : null);
  const drawn = {
    crash: rate(500, 4_000),
    stop: rate(1_000, 4_000),
    pause: rate(500, 4_000),
    block: rate(500, 4_000),
    partition: rate(500, 4_000),
    hold: rate(300, 3_000),
    strand: rate(600, 3_000),
    relapse: rate(500, 3_000),
    reset: rate(200, 2_000),
    slowDisk: rate(1_000, 4_000),
    stalledDisk: rate(1_000, 4_000),
    failingDisk: rate(1_000, 4_000),
    fullDisk: rate(1_000, 4_000),
    damagedLog: rate(1_000, 4_000),
    clockJump: rate(500, 3_000),
    transfer: rate(500, 3_000),
    campaign: rate(500, 3_000),
  };
  // Many kinds at once strike more rarely each.
  const kinds = Object.entries(drawn).filter(([, everyMs]) => everyMs !== null).length;
  const times = stretch * Math.max(1, kinds / 5);
  const rates = Object.entries(drawn).map(([fault, everyMs]) => [fault, everyMs === null ? null : times * everyMs]);
  return Object.fromEntries(rates) as typeof drawn;
}

/** A slow cluster gets little to do: a backlog of minutes tells nothing that one of seconds does not. */
function drawWorkload(
  prng: Prng,
  { network, disk, node, limits, pace }: Pick<Plan, 'network' | 'disk' | 'node' | 'limits' | 'pace'>,
): WorkloadPlan {
  const sendsSlowly =
    limits.maxAppendBytes < 4_096 || limits.maxInflightAppends < 256 || limits.maxInflightBytes < 4_096;
  const isRough = network.delayMs.max > 10 || network.loss > 0.01;
  const isQuick = !isRough && disk.delayMs.max <= 20 && !sendsSlowly;
  const isSlow = node.applyMs.max > 2 || sendsSlowly;
  return {
    writeEveryMs: pace * prng.pick(isSlow ? [isRough ? 400 : 50, 150] : [5, 10, 30, 100]),
    readEveryMs: pace * prng.pick([5, 10, 30, 100]),
    bursts: isSlow ? 0 : prng.pick([0, 0.02, 0.05]),
    readBursts: prng.pick([0, 0.02, 0.05]),
    aborts: prng.pick([0, 0.05]),
    fences: prng.pick([0, 0.2]),
    sessions: prng.pick([1, 4, 16]),
    throws: 0.01,
    lagLimits: prng.pick([0, 0.05]),
    timeoutMs: prng.pick([[200, 1_000, 5_000], [5_000], isQuick ? [50, 400] : [400, 2_000]]),
    levels: { linearizable: 6, session: prng.pick([0, 1, 3]), local: prng.pick([0, 1]), bound: prng.pick([0, 1, 2]) },
    quiet: prng.pick([0, 0.02]),
  };
}
