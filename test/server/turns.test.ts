/** Steps of many that go on for long take turns with everything else: in order, a few in each turn of the loop. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Turns } from '../../packages/server/src/turns.js';

/** At least. */
function blockFor(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('steps run in the order in which they came, and none in the turn in which it was asked for', async () => {
  const turns = new Turns();
  const ran: number[] = [];
  const all = Array.from({ length: 100 }, (_, at) => turns.run(async () => ran.push(at)));
  expect(ran).toEqual([]);
  expect(await Promise.all(all)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
  expect(ran).toEqual([...ran.keys()]);
});

test('the loop has a turn after a few of them, however many there are', async () => {
  const turns = new Turns();
  let turn = 0;
  let running = true;
  const counting = (async () => {
    for (; running; turn += 1) await nextTurn();
  })();
  const steps = Array.from({ length: 100 }, () => turns.run(async () => blockFor(1)));
  await Promise.all(steps);
  running = false;
  await counting;
  expect(turn).toBeGreaterThan(100 / 4);
});

test('however short they are, some dozens are the most in one turn', async () => {
  const turns = new Turns();
  const ran: number[] = [];
  let turn = 0;
  const all = Promise.all(
    Array.from({ length: 1_000 }, () =>
      turns.run(async () => {
        ran[turn] = (ran[turn] ?? 0) + 1;
      }),
    ),
  );
  for (; turn < 1_000 && ran.reduce((sum, each) => sum + each, 0) < 1_000; turn += 1) await nextTurn();
  await all;
  expect(Math.max(...ran.filter((each) => each !== undefined))).toBeLessThanOrEqual(64);
});

test('one that asks again comes behind those that wait, in a later turn', async () => {
  const turns = new Turns();
  const ran: string[] = [];
  const twice = async () => {
    await turns.run(async () => ran.push('first'));
    await turns.run(async () => ran.push('first again'));
  };
  await Promise.all([twice(), turns.run(async () => ran.push('second'))]);
  expect(ran).toEqual(['first', 'second', 'first again']);
});

test('a step that waits holds up nobody, and one that fails fails alone', async () => {
  const turns = new Turns();
  let resume = () => {};
  const waiting = turns.run(
    () =>
      new Promise<void>((resolve) => {
        resume = resolve;
      }),
  );
  const rejecting = turns.run(async () => Promise.reject(new Error('rejected')));
  const throwing = turns.run(() => {
    throw new Error('thrown');
  });
  const last = turns.run(async () => 'done');
  await expect(rejecting).rejects.toThrow('rejected');
  await expect(throwing).rejects.toThrow('thrown');
  expect(await last).toBe('done');
  resume();
  await waiting;
});
