/** Our own counters and histograms show what prom-client's would show for the same values, to the letter. */
import fc from 'fast-check';
import { Counter, Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { EventCounter } from '../../../packages/server/src/metrics/event-counter.js';
import { EventHistogram } from '../../../packages/server/src/metrics/event-histogram.js';

const bounds = [0.001, 0.01, 0.1, 1];
const values = fc.array(fc.oneof(fc.double({ min: 0, max: 2, noNaN: true }), fc.constantFrom(...bounds)));

test('a histogram shows the same as that of prom-client', async () => {
  await fc.assert(
    fc.asyncProperty(values, values, async (first, second) => {
      const [ours, theirs] = [new Registry(), new Registry()];
      const options = { name: 'wait_seconds', help: 'Waits' };
      const own = new EventHistogram(ours, { ...options, bounds, label: 'stage' });
      const known = new Histogram({ ...options, buckets: bounds, labelNames: ['stage'], registers: [theirs] });
      for (const [stage, observed] of Object.entries({ bound: first, apply: second })) {
        own.series(stage);
        known.zero({ stage });
        for (const value of observed) {
          own.series(stage).observe(value);
          known.observe({ stage }, value);
        }
      }
      expect(await ours.metrics()).toBe(await theirs.metrics());
    }),
  );
});

test('a counter shows the same as that of prom-client, every time that somebody looks', async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const options = { name: 'reads_total', help: 'Reads' };
  const own = new EventCounter(ours, { ...options, labelNames: ['level', 'code'] });
  const known = new Counter({ ...options, labelNames: ['level', 'code'], registers: [theirs] });
  for (const [level, code, by] of [
    ['local', '', 0],
    ['session', 'LagBehind', 2],
    ['session', '', 3],
    ['session', 'LagBehind', 4],
  ] as const) {
    own.add(by, [level, code]);
    known.inc({ level, code }, by);
    expect(await ours.metrics()).toBe(await theirs.metrics());
  }
});
