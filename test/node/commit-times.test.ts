/** How long entries take to be committed: each step once, and never one of another term. */
import { expect, it } from 'vitest';
import { CommitTimes } from '../../packages/quorate/src/node/commit-times.js';

it('gives every mark once, when everything up to it is committed', () => {
  const times = new CommitTimes();
  const marks = [3, 5, 9].map((index) => ({ index, atMs: index }));
  for (const mark of marks) times.appended(1, mark);
  expect(times.committed(2)).toEqual([]);
  expect(times.committed(5)).toEqual(marks.slice(0, 2));
  expect(times.committed(5)).toEqual([]);
  expect(times.committed(10)).toEqual(marks.slice(2));
});

it('forgets what was appended in an earlier term, or before it was reset', () => {
  const times = new CommitTimes();
  times.appended(1, { index: 3, atMs: 0 });
  times.appended(2, { index: 4, atMs: 1 });
  expect(times.committed(4)).toEqual([{ index: 4, atMs: 1 }]);
  times.appended(2, { index: 5, atMs: 2 });
  times.reset();
  expect(times.committed(5)).toEqual([]);
});
