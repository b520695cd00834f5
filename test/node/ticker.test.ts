/** Ticks: one after another, never two for one stall, and never before the sockets were read. */
import { describe, expect, it } from 'vitest';
import { Ticker } from '../../packages/quorate/src/node/ticker.js';
import { ManualClock } from '../support/manual-clock.js';

function setUp() {
  const clock = new ManualClock();
  const seen = { ticks: 0, stalls: [] as number[] };
  const ticker = new Ticker({
    clock,
    tickMs: 50,
    stallMs: 250,
    onTick: () => seen.ticks++,
    onStall: (ms) => seen.stalls.push(ms),
  });
  ticker.start();
  return { clock, seen, ticker };
}

describe('the ticker', () => {
  it('ticks once in every interval', () => {
    const { clock, seen } = setUp();
    for (let i = 0; i < 5; i++) {
      clock.advance(50);
      clock.turn();
    }
    expect(seen).toEqual({ ticks: 5, stalls: [] });
  });

  it('ticks only after what waits in the sockets has been handled', () => {
    const { clock, seen } = setUp();
    clock.advance(50);
    expect(seen.ticks).toBe(0);
    clock.turn();
    expect(seen.ticks).toBe(1);
  });

  it('ticks once, not sixty times, after a stall of three seconds, and reports it', () => {
    const { clock, seen } = setUp();
    clock.block(3_050);
    clock.advance(0);
    clock.turn();
    expect(seen).toEqual({ ticks: 1, stalls: [3_000] });
    clock.advance(49);
    clock.turn();
    expect(seen.ticks).toBe(1);
  });

  it('reports a stall that begins between the time of a tick and what waits in the sockets', () => {
    const { clock, seen } = setUp();
    clock.advance(50);
    clock.block(3_000);
    clock.turn();
    expect(seen).toEqual({ ticks: 1, stalls: [3_000] });
  });

  it('ticks no more once stopped, and leaves no timer', () => {
    const { clock, seen, ticker } = setUp();
    clock.advance(50);
    ticker.stop();
    clock.turn();
    clock.advance(1_000);
    expect(seen.ticks).toBe(0);
    expect([clock.timers, clock.deferred]).toEqual([0, 0]);
  });
});
