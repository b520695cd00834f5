/**
 * Proof that the world can fail: cores with one known defect each are put into it, and the invariant that speaks of
 * the defect must catch it within a bounded number of seeds. A defect that goes unseen here means that the invariants
 * have gone blind.
 */
import { describe, expect, it } from 'vitest';
import { type Now, type RaftMessage, RawNode, type Ready } from '../../packages/quorate/src/core/index.js';
import type { CreateCore } from '../../packages/quorate/src/node/index.js';
import { type Plan, SimulationFailure, Violation, World } from '../../packages/quorate/src/testing/simulator/index.js';
import { harsh, pausing } from '../support/plans.js';

const MAX_SEEDS = 40;

/** The rule that the first failing seed breaks; `none` when none fails. */
async function firstBrokenRule(create: CreateCore, plan: (drawn: Plan) => Plan): Promise<string> {
  for (let seed = 1; seed <= MAX_SEEDS; seed += 1) {
    try {
      await new World({ seed, create, plan }).run();
    } catch (error) {
      if (!(error instanceof SimulationFailure)) throw error;
      return error.cause instanceof Violation ? error.cause.rule : String(error.cause);
    }
  }
  return 'none';
}

/** "Acknowledge before fsync": what should wait for the disk is sent at once. */
class SendsBeforeTheDisk extends RawNode {
  override ready(): Ready {
    const ready = super.ready();
    if (ready.persist === null) return ready;
    const messages = [...ready.messages, ...ready.persist.messages];
    return { ...ready, messages, persist: { ...ready.persist, messages: [] } };
  }
}

/** Takes every step for durable as soon as it is handed out. */
class BelievesTheDisk extends RawNode {
  override ready(): Ready {
    const ready = super.ready();
    if (ready.persist !== null) super.persisted(ready.persist.number, { wallMs: 0 });
    return ready;
  }

  override persisted(): void {}
}

class ForgetsItsVote extends RawNode {
  override ready(): Ready {
    const ready = super.ready();
    if (ready.persist === null) return ready;
    const hardState = { ...ready.persist.hardState, vote: null };
    return { ...ready, persist: { ...ready.persist, hardState } };
  }
}

/** Takes any answer of a follower for one that it has everything. */
class CountsWhatNobodyHas extends RawNode {
  override step(message: RaftMessage, now: Now): void {
    const isAccepted = message.type === 'append-entries-response' && !message.rejected;
    super.step(isAccepted ? { ...message, index: this.status().lastIndex } : message, now);
  }
}

/** A leader gives bounds without a round (d-engine#381, etcd#741). */
class AnswersUnconfirmed extends RawNode {
  readonly #answers: number[] = [];

  override readIndex(read: number, now: Now): void {
    if (this.status().role === 'leader') this.#answers.push(read);
    else super.readIndex(read, now);
  }

  override hasReady(): boolean {
    return this.#answers.length > 0 || super.hasReady();
  }

  override ready(): Ready {
    const ready = super.ready();
    const { commit: index, term } = this.status();
    const answers = this.#answers.splice(0).map((read) => ({ read, ok: true, index, term }) as const);
    return { ...ready, reads: [...ready.reads, ...answers] };
  }
}

/**
 * Lets an acknowledgement confirm reads that arrived after the acknowledged message was sent (MicroRaft, Ratis; R3).
 */
class JoinsARoundAlreadySent extends RawNode {
  override step(message: RaftMessage, now: Now): void {
    const isAnswer = message.type === 'heartbeat-response' || message.type === 'append-entries-response';
    const { term, rounds } = this.status();
    super.step(isAnswer && message.term === term ? { ...message, round: rounds } : message, now);
  }
}

/** Drops reads in silence when leadership is lost (etcd#11483, RATIS-2044; R5). */
class DropsReads extends RawNode {
  override ready(): Ready {
    const ready = super.ready();
    return { ...ready, reads: ready.reads.filter(({ ok }) => ok) };
  }
}

class SkipsAnEntry extends RawNode {
  override ready(): Ready {
    const ready = super.ready();
    return { ...ready, committed: ready.committed.filter(({ index }) => index !== 7) };
  }
}

class NeverCampaigns extends RawNode {
  override tick(now: Now): void {
    if (this.status().role === 'leader') super.tick(now);
  }

  override campaign(): void {}
}

const withOptions =
  (
    change: (options: ConstructorParameters<typeof RawNode>[0]) => ConstructorParameters<typeof RawNode>[0],
  ): CreateCore =>
  (options) =>
    new RawNode(change(options));

describe('the world catches a core that', () => {
  it.each<[string, CreateCore, RegExp, ((drawn: Plan) => Plan)?]>([
    ['sends before its disk is done', (options) => new SendsBeforeTheDisk(options), /durable before sent/],
    ['takes steps for durable that are not', (options) => new BelievesTheDisk(options), /durable|state machine safety/],
    ['forgets its vote', (options) => new ForgetsItsVote(options), /durable before sent|one vote in a term/],
    [
      'does not read its vote back after a crash',
      withOptions((options) => ({ ...options, hardState: { ...options.hardState, vote: null } })),
      /one vote in a term|election safety|invariant violated|proposal outcomes/,
    ],
    [
      'does not read its term back after a crash',
      withOptions((options) => ({
        ...options,
        hardState: { term: 0, vote: null, commit: 0 },
        entries: [],
        applied: 0,
      })),
      /monotonic state/,
    ],
    [
      'is a quorum by itself',
      withOptions((options) => ({ ...options, configuration: { ...options.configuration, voters: [options.id] } })),
      /election safety|committed on a quorum/,
    ],
    ['counts what nobody has', (options) => new CountsWhatNobodyHas(options), /committed on a quorum/],
    ['answers reads without a round', (options) => new AnswersUnconfirmed(options), /read freshness/],
    [
      'joins reads to a round already sent',
      (options) => new JoinsARoundAlreadySent(options),
      /read freshness/,
      pausing,
    ],
    ['drops reads in silence', (options) => new DropsReads(options), /reads end/],
    ['skips an entry', (options) => new SkipsAnEntry(options), /state machine safety/],
    ['never campaigns', (options) => new NeverCampaigns(options), /liveness/],
  ])('%s', async (_, create, rule, plan = harsh) => {
    expect(await firstBrokenRule(create, plan)).toMatch(rule);
  });
});
