/**
 * Plans for worlds that look for something in particular, made from what the seed has drawn. They must leave to the
 * seed whatever they do not need, so that many seeds are many worlds.
 */
import type { Plan } from '../../packages/quorate/src/testing/simulator/index.js';

/** A cluster of three that is paused, cut and crashed all the time. */
export function harsh(drawn: Plan): Plan {
  return {
    ...drawn,
    ...{ voters: 3, joint: false, outsiders: 'none', faultsMs: 5_000 },
    tuning: { ...drawn.tuning, tickMs: 50, electionTicks: 10 },
    disk: { ...drawn.disk, delayMs: { min: 0.5, max: 20 } },
    faults: { ...NO_FAULTS, crash: 1_000, pause: 1_000, partition: 800, hold: 800 },
    workload: { ...drawn.workload, readEveryMs: 10, writeEveryMs: 30 },
  };
}

/**
 * A cluster of three whose nodes are paused and elect each other in between: acknowledgements of the past meet reads
 * of the present.
 */
export function pausing(drawn: Plan): Plan {
  return {
    ...drawn,
    ...{ voters: 3, joint: false, outsiders: 'none', faultsMs: 6_000 },
    tuning: { ...drawn.tuning, tickMs: 50, electionTicks: 10 },
    network: { ...drawn.network, ...{ delayMs: { min: 0.05, max: 2 }, loss: 0, stragglers: 0, inOrder: false } },
    faults: { ...NO_FAULTS, pause: 600, strand: 600, campaign: 400 },
    workload: { ...drawn.workload, readEveryMs: 10, writeEveryMs: 30, bursts: 0, readBursts: 0 },
  };
}

/**
 * A cluster of three without faults of its own, on a fast network. All that clients read is linearizable, at any node.
 */
export function undisturbed(drawn: Plan): Plan {
  return {
    ...drawn,
    ...{ voters: 3, learners: 0, joint: false, outsiders: 'none', faultsMs: 3_000, faults: NO_FAULTS },
    tuning: { ...drawn.tuning, tickMs: 50, electionTicks: 10 },
    network: { ...drawn.network, ...{ delayMs: { min: 0.05, max: 2 }, loss: 0, stragglers: 0, inOrder: false } },
    node: { ...drawn.node, turnMs: { min: 0, max: 0 }, applyMs: { min: 0, max: 0 } },
    disk: { ...drawn.disk, delayMs: { min: 0.05, max: 2 } },
    workload: {
      ...drawn.workload,
      ...{ readEveryMs: 10, writeEveryMs: 30, bursts: 0, readBursts: 0, quiet: 0, aborts: 0, timeoutMs: [5_000] },
      ...{ sessions: 0, levels: { linearizable: 1, session: 0, local: 0, bound: 0 } },
    },
  };
}

/** The same, with callers who have no time for an election. */
export function hurried(drawn: Plan): Plan {
  const plan = undisturbed(drawn);
  return { ...plan, workload: { ...plan.workload, timeoutMs: [200] } };
}

/** Nodes that crash, replay their log when they are back, and are slow at it: much is committed and not yet applied. */
export function replaying(drawn: Plan): Plan {
  const plan = undisturbed(drawn);
  return {
    ...plan,
    node: { ...plan.node, applyMs: { min: 0, max: 6 }, durableState: false },
    faults: { ...NO_FAULTS, crash: 500 },
    limits: { maxAppendBytes: 1e6, maxInflightAppends: 256, maxInflightBytes: 1e7, maxUncommittedBytes: 1e7 },
    workload: { ...plan.workload, writeEveryMs: 25, bursts: 0.3 },
  };
}

const NO_FAULTS: Plan['faults'] = {
  ...{
    crash: null,
    stop: null,
    pause: null,
    block: null,
    partition: null,
    hold: null,
    strand: null,
    relapse: null,
    reset: null,
  },
  ...{ slowDisk: null, stalledDisk: null, failingDisk: null, fullDisk: null, damagedLog: null },
  ...{ clockJump: null, transfer: null, campaign: null },
};
