/** The checker against every order of ten thousand tiny histories: both must come to the same verdict on each. */
import { expect, it } from 'vitest';
import { checkHistory } from '../../../packages/quorate/src/testing/checker/index.js';
import { eventsOf, isLinearizable, type Model, random, type TinyOperation, tinyHistory } from './brute-force.js';

const HISTORIES = 10_000;

it.each<Model>(['register', 'cas-register', 'kv'])('agrees with every order on 10,000 tiny histories (%s)', (model) => {
  const next = random(20_260_101);
  const counts = { linearizable: 0, 'not-linearizable': 0 };
  const kinds = new Set<string>();
  for (let number = 0; number < HISTORIES; number += 1) {
    const history = tinyHistory(model, next);
    const expected = isLinearizable(history, model) ? 'linearizable' : 'not-linearizable';
    const { verdict, explanation } = checkHistory(eventsOf(history), { model });
    if (verdict !== expected) expect.fail(`history ${number} is ${expected}, found ${verdict}: ${text(history)}`);
    // Any order may be called likely: what is tried first must not decide.
    const likelyOrder = () => (next() < 0.2 ? Number.POSITIVE_INFINITY : next());
    const likely = checkHistory(eventsOf(history), { model, likelyOrder }).verdict;
    if (likely !== expected) expect.fail(`history ${number} is ${expected}, with an order ${likely}: ${text(history)}`);
    if ((explanation === null) !== (verdict === 'linearizable')) expect.fail(`history ${number}: ${explanation}`);
    counts[expected] += 1;
    for (const { f, type } of history) kinds.add(`${f} ${type}`);
  }
  expect(Math.min(counts.linearizable, counts['not-linearizable'])).toBeGreaterThan(HISTORIES / 10);
  expect(kinds.size).toBe(4 * (model === 'register' ? 2 : 3));
});

function text(history: readonly TinyOperation[]): string {
  return JSON.stringify(history, null, 1);
}
