/** That faults end at their time, or when all of them are over, and once. */
import { describe, expect, it } from 'vitest';
import { EventQueue } from '../../../packages/quorate/src/testing/simulator/event-queue.js';
import type { SimulatedNode } from '../../../packages/quorate/src/testing/simulator/simulated-node.js';
import { Timetable } from '../../../packages/quorate/src/testing/simulator/timetable.js';

function prepare() {
  const queue = new EventQueue();
  const happened: string[] = [];
  const timetable = new Timetable({ queue, record: (line) => happened.push(line) });
  const node = { running: true, bootId: 1, start: () => happened.push('started') };
  return { queue, happened, timetable, node, as: node as unknown as SimulatedNode };
}

describe('the timetable of faults', () => {
  it('ends each at its time, and none twice', async () => {
    const { queue, happened, timetable } = prepare();
    timetable.endLater('cut', 10, () => happened.push('cured'));
    const release = timetable.endAtStop(() => happened.push('released'));
    await queue.runUntil(20, () => {});
    release();
    release();
    timetable.stop();
    expect(happened).toEqual(['cut ends', 'cured', 'released']);
  });

  it('ends all of them at once when they are over, and lets nothing begin after that', async () => {
    const { queue, happened, timetable, node, as } = prepare();
    timetable.endLater('cut', 10, () => happened.push('cured'));
    timetable.endAtStop(() => happened.push('released'));
    timetable.later(10, () => happened.push('begun'));
    timetable.stop();
    node.running = false;
    timetable.startLater(as, 5);
    await queue.runUntil(20, () => {});
    expect(happened).toEqual(['cured', 'released']);
  });

  it('does nothing to a later life of a node', async () => {
    const { queue, happened, timetable, node, as } = prepare();
    timetable.inThisLife(as, 10, () => happened.push('struck'));
    node.bootId = 2;
    await queue.runUntil(20, () => {});
    timetable.inThisLife(as, 10, () => happened.push('struck in the second'));
    await queue.runUntil(40, () => {});
    expect(happened).toEqual(['struck in the second']);
  });
});
