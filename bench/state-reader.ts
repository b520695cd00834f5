/**
 * What does a linearizable read cost beside the round to the leader? 64 readers in a loop, against a leader that
 * answers at once and a state that is always up to date: what is left is this room's own work. It must never touch
 * network or disk.
 */
import { type Clock, type Fsm, type Leader, type ReadOptions, StateReader } from 'quorate/reads';

const READS = 400_000;
const WARM_UP_READS = 50_000;
const CONCURRENCY = 64;
const SOURCE = 'a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90';

const clock: Clock = {
  monotonicMs: () => performance.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

const state = new Map([['key', 'value']]);
let requests = 0;

/** `inNextTurn`: answers when the loop has turned once, as an answer from a socket does; otherwise at once. */
function createReader(inNextTurn: boolean): StateReader<ReadonlyMap<string, string>> {
  const bound = { index: 1_000, term: 3, source: SOURCE };
  const leader: Leader = {
    readIndex() {
      requests += 1;
      return inNextTurn ? new Promise((resolve) => setImmediate(resolve, bound)) : Promise.resolve(bound);
    },
    hint: () => ({ id: 'n1', url: null }),
  };
  const fsm: Fsm<ReadonlyMap<string, string>> = {
    source: SOURCE,
    replica: { id: 'n2', role: 'follower' },
    waitApplied: () => Promise.resolve(),
    read: async (_bound, fn) => fn(state, { appliedIndex: 1_000, exact: true }),
  };
  return new StateReader({ leader, fsm, clock, options: { maxInFlight: 4 } });
}

async function measure(
  name: string,
  inNextTurn: boolean,
  createOptions: () => ReadOptions,
): Promise<Record<string, string>> {
  const reader = createReader(inNextTurn);
  const run = async (count: number): Promise<void> => {
    let left = count;
    const loop = async (): Promise<void> => {
      const options = createOptions();
      while (left-- > 0) await reader.consistentRead((tx) => tx.get('key'), options);
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, loop));
  };
  await run(WARM_UP_READS);
  requests = 0;
  const beganAtMs = performance.now();
  const cpuBefore = process.cpuUsage();
  await run(READS);
  const tookMs = performance.now() - beganAtMs;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    case: name,
    'reads/s': Math.round((READS / tookMs) * 1_000).toLocaleString('en'),
    'µs/read': ((tookMs / READS) * 1_000).toFixed(2),
    'CPU µs/read': ((cpu.user + cpu.system) / READS).toFixed(2),
    'requests per 1,000 reads': ((requests / READS) * 1_000).toFixed(1),
  };
}

console.table([
  await measure('linearizable, leader answers at once', false, () => ({})),
  await measure('linearizable, leader answers in the next turn', true, () => ({})),
  await measure('linearizable, with the signal of a caller', false, () => ({ signal: new AbortController().signal })),
  await measure('session', false, () => ({ level: 'session', minIndex: 1_000 })),
  await measure('local', false, () => ({ level: 'local' })),
]);
