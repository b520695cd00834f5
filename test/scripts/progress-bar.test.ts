/** How far a script is, for people at a terminal and for files. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ProgressBar } from '../../scripts/progress-bar.mjs';

let written: string[];
const stream = (isTTY: boolean) => ({ isTTY, columns: 40, write: (text: string) => written.push(text) });

beforeEach(() => {
  written = [];
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => vi.useRealTimers());

it('is a bar on a terminal, no wider than that, which goes at the end', () => {
  const bar = new ProgressBar(stream(true), { terminalMs: 0, plainMs: 10_000 });
  bar.draw(0.5, 'half of it, and a text that is too long for the line');
  bar.end();
  expect(written).toEqual(['\r\x1b[2K[##########----------] half of it, and ', '\r\x1b[2K']);
});

it('is a line now and then elsewhere, and leaves them', () => {
  const bar = new ProgressBar(stream(false), { terminalMs: 0, plainMs: 10_000 });
  for (let second = 1; second <= 25; second += 1) {
    vi.advanceTimersByTime(1_000);
    bar.draw(second / 25, `${second} of 25`);
  }
  bar.end();
  expect(written).toEqual(['10 of 25\n', '20 of 25\n']);
});
