/** What only the leader does: when it begins, when it ends, and what its failures do. */
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../packages/quorate/src/node/index.js';
import { type LeaderActivity, LeaderActivityRunner } from '../../packages/quorate/src/node/leader-activity.js';

function prepare(overrides: Partial<LeaderActivity> = {}) {
  const happened: string[] = [];
  const logged: string[] = [];
  const activity: LeaderActivity = {
    start: ({ term, signal }) => {
      happened.push(`start ${term}`);
      signal.addEventListener('abort', () => happened.push(`abort ${term}`));
    },
    stop: () => {
      happened.push('stop');
    },
    ...overrides,
  };
  const logger = { ...silentLogger, error: (_fields: object, message: string) => logged.push(message) };
  return { happened, logged, runner: new LeaderActivityRunner(activity, logger) };
}
const turns = async () => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

describe('an activity of the leader', () => {
  it('starts once in a term, and stops when the term is over', async () => {
    const { happened, runner } = prepare();
    runner.leads(3);
    runner.leads(3);
    await turns();
    expect(happened).toEqual(['start 3']);
    runner.leads(null);
    await runner.settled();
    expect(happened).toEqual(['start 3', 'abort 3', 'stop']);
  });

  it('is told of the end of its term outside of the turn in which the node noticed it', async () => {
    const { happened, runner } = prepare();
    runner.leads(3);
    await turns();
    runner.leads(null);
    expect(happened).toEqual(['start 3']);
    await runner.settled();
    expect(happened).toEqual(['start 3', 'abort 3', 'stop']);
  });

  it('does not start again in a term that it was stopped in', async () => {
    const { happened, runner } = prepare();
    runner.leads(3);
    await turns();
    runner.leads(null);
    runner.leads(3);
    await turns();
    expect(happened).toEqual(['start 3', 'abort 3', 'stop']);
  });

  it('never runs twice at a time: a term begins when what the last began has ended', async () => {
    let end: () => void = () => {};
    const { happened, runner } = prepare({
      start: async ({ term }) => {
        happened.push(`start ${term}`);
        await new Promise<void>((resolve) => {
          end = resolve;
        });
        happened.push(`end ${term}`);
      },
    });
    runner.leads(3);
    await turns();
    runner.leads(null);
    runner.leads(4);
    runner.leads(null);
    runner.leads(5);
    await turns();
    expect(happened).toEqual(['start 3']);
    end();
    await turns();
    expect(happened).toEqual(['start 3', 'end 3', 'stop', 'start 5']);
    runner.leads(null);
    end();
    await runner.settled();
    expect(happened.slice(-2)).toEqual(['end 5', 'stop']);
  });

  it('is stopped after a start that threw, and starts in the next term', async () => {
    let fails = true;
    const { happened, logged, runner } = prepare({
      start: ({ term }) => {
        happened.push(`start ${term}`);
        if (fails) throw new Error('no');
      },
    });
    runner.leads(3);
    await turns();
    expect(logged).toEqual(['an activity of the leader failed at its start']);
    expect(happened).toEqual(['start 3']);
    fails = false;
    runner.leads(4);
    await turns();
    expect(happened).toEqual(['start 3', 'stop', 'start 4']);
  });

  it('goes on after a stop that failed', async () => {
    const { happened, logged, runner } = prepare({ stop: () => Promise.reject(new Error('no')) });
    runner.leads(3);
    await turns();
    runner.leads(4);
    await turns();
    expect(logged).toEqual(['an activity of the leader failed at its stop']);
    expect(happened).toEqual(['start 3', 'abort 3', 'start 4']);
  });
});
