/**
 * Three replicas, writers and readers in any order, with applying, restores, lost requests and aborts in between:
 * what was promised to each read is compared with what it saw. The leader always gives the oldest bound that is
 * correct, so that a read that takes one it should not have shows it.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConsistentRead, LeadershipLost } from '../../packages/quorate/src/errors/index.js';
import { decodeToken, mergeTokens, type ReadOptions, StateReader } from '../../packages/quorate/src/reads/index.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  pass,
  type ScriptedFsm,
  type ScriptedLeader,
  type State,
  scriptedFsm,
  scriptedLeader,
  settle,
} from '../support/reads.js';

const REPLICAS = 3;

type On<D> = D extends string ? { readonly does: D; readonly at: number; readonly which: number } : never;
type Step =
  | { readonly does: 'write' }
  | { readonly does: 'settle' }
  | { readonly does: 'read'; readonly at: number; readonly level: 'linearizable' | 'session' | 'local' | 'floor' }
  | On<'apply' | 'restore' | 'answer' | 'fail' | 'abort'>
  | { readonly does: 'pass'; readonly ms: number };

const at = fc.nat(REPLICAS - 1);
const which = fc.nat(9);
const on = (does: 'apply' | 'restore' | 'answer' | 'fail' | 'abort'): fc.Arbitrary<Step> =>
  fc.record({ at, which }).map((rest) => ({ does, ...rest }) as Step);
const level = fc.constantFrom('linearizable', 'linearizable', 'session', 'local', 'floor');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Step>({ does: 'write' }) },
  { weight: 4, arbitrary: fc.constant<Step>({ does: 'settle' }) },
  { weight: 8, arbitrary: fc.record({ does: fc.constant('read' as const), at, level }) },
  { weight: 6, arbitrary: on('apply') },
  { weight: 6, arbitrary: on('answer') },
  { weight: 1, arbitrary: on('restore') },
  { weight: 1, arbitrary: on('fail') },
  { weight: 1, arbitrary: on('abort') },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('pass' as const), ms: fc.nat(20) }) },
);

interface Replica {
  readonly leader: ScriptedLeader;
  readonly fsm: ScriptedFsm;
  readonly reader: StateReader<State>;
  readonly callers: AbortController[];
}

/** Everything there is, and what was promised to whom. */
class World {
  readonly clock = new ManualClock();
  readonly replicas: readonly Replica[];
  /** The last acknowledged write. The value at each index is the index. */
  commitIndex = 0;
  /** The newest view that any read has returned. */
  newestView = 0;
  /** What a client has seen so far, which goes from replica to replica. */
  clientToken: string | null = null;
  readonly reads: Promise<void>[] = [];
  answered = 0;

  constructor(maxInFlight: number) {
    const { clock } = this;
    this.replicas = Array.from({ length: REPLICAS }, () => {
      const leader = scriptedLeader();
      const fsm = scriptedFsm();
      const reader = new StateReader({ leader, fsm, clock, options: { maxInFlight, requestTimeoutMs: 100 } });
      return { leader, fsm, reader, callers: [] };
    });
  }

  write(): void {
    this.commitIndex += 1;
    for (const { leader, fsm } of this.replicas) {
      leader.commitIndex = this.commitIndex;
      fsm.queue(this.#entry(this.commitIndex));
    }
  }

  /** Puts an older state in place; what it lacks comes again. */
  restore({ fsm }: Replica, back: number): void {
    const index = Math.max(0, fsm.appliedIndex - back);
    fsm.restore(index, index === 0 ? new Map() : new Map([['key', String(index)]]));
    for (let next = index + 1; next <= this.commitIndex; next++) fsm.queue(this.#entry(next));
  }

  read({ reader, callers }: Replica, promise: 'linearizable' | 'session' | 'local' | 'floor'): void {
    const token = this.clientToken ?? undefined;
    if (promise === 'session' && token === undefined) return;
    const floor = token === undefined ? 0 : decodeToken(token).index;
    const caller = new AbortController();
    callers.push(caller);
    const options: ReadOptions =
      promise === 'floor'
        ? { level: 'linearizable', token }
        : { level: promise, ...(promise === 'session' ? { token } : {}) };
    const fresh = options.level === 'linearizable' ? Math.max(this.commitIndex, this.newestView) : 0;
    const least = Math.max(fresh, promise === 'session' || promise === 'floor' ? floor : 0);
    const read = reader.consistentRead((tx, view) => ({ value: tx.get('key'), seen: view.appliedIndex }), {
      ...options,
      signal: caller.signal,
    });
    this.reads.push(read.then((result) => this.#check(result, least), isFailure));
  }

  #check(result: Awaited<ReturnType<StateReader<State>['consistentRead']>>, least: number): void {
    const { value, seen } = result.value as { value: string | undefined; seen: number };
    expect(seen).toBe(result.appliedIndex);
    expect(value ?? '0').toBe(String(seen));
    expect(seen).toBeGreaterThanOrEqual(least);
    expect(seen).toBeGreaterThanOrEqual(result.index);
    expect(decodeToken(result.token).index).toBe(seen);
    this.newestView = Math.max(this.newestView, seen);
    this.clientToken = this.clientToken === null ? result.token : mergeTokens(this.clientToken, result.token);
    this.answered += 1;
  }

  /** Lets all be answered and applied, until nobody waits. */
  async finish(): Promise<void> {
    for (const { leader } of this.replicas) leader.script = 'answer';
    for (let i = 0; i < 4; i++) {
      for (const { fsm } of this.replicas) fsm.apply();
      await pass(this.clock, 60);
    }
    await Promise.all(this.reads);
    expect(this.clock.timers).toBe(0);
    expect(this.replicas.map(({ fsm }) => fsm.waiters)).toEqual([0, 0, 0]);
  }

  #entry(index: number) {
    return { index, key: 'key', value: String(index) };
  }
}

function isFailure(error: unknown): void {
  expect(error).toBeInstanceOf(ConsistentRead);
}

async function run(steps: readonly Step[], maxInFlight: number): Promise<World> {
  const world = new World(maxInFlight);
  const take = <T>(all: readonly T[], position: number) => all[position % Math.max(1, all.length)];
  for (const next of steps) {
    const replica = world.replicas['at' in next ? next.at : 0] as Replica;
    const pending = replica.leader.requests.filter((request) => request.pending);
    if (next.does === 'write') world.write();
    else if (next.does === 'settle') await settle();
    else if (next.does === 'pass') await pass(world.clock, next.ms);
    else if (next.does === 'read') world.read(replica, next.level);
    else if (next.does === 'apply') replica.fsm.apply(replica.fsm.appliedIndex + next.which);
    else if (next.does === 'restore') world.restore(replica, next.which);
    else if (next.does === 'answer') take(pending, next.which)?.answer();
    else if (next.does === 'fail') take(pending, next.which)?.fail(new LeadershipLost());
    else take(replica.callers, next.which)?.abort();
  }
  await world.finish();
  return world;
}

describe('in any order of writes, reads, applying, restores, losses and aborts', () => {
  it.each([1, 4])(
    'a linearizable read sees all that was acknowledged and all that was read before it, and no session goes back (%i)',
    async (maxInFlight) => {
      let answered = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
          answered += (await run(steps, maxInFlight)).answered;
        }),
        { numRuns: 100 },
      );
      expect(answered).toBeGreaterThan(300);
    },
  );
});
