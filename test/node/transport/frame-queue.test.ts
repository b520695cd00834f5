/**
 * What waits for one socket: how it is joined, bounded and taken up again. The socket here takes bytes when the test
 * says so.
 */
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Message } from '../../../packages/quorate/src/core/index.js';
import { systemClock } from '../../../packages/quorate/src/node/clock.js';
import { decodeMessage } from '../../../packages/quorate/src/node/transport/codec.js';
import { FrameQueue, type FrameQueueLimits } from '../../../packages/quorate/src/node/transport/frame-queue.js';
import { FrameReader } from '../../../packages/quorate/src/node/transport/frame-reader.js';
import { turns } from './events.js';
import { examples } from './fixtures.js';

const GENEROUS: FrameQueueLimits = {
  maxFrameBytes: 1_000_000,
  maxUnsentBytes: 1_000_000,
  maxQueuedMessages: 1_000,
  maxQueuedBytes: 1_000_000,
};

class SlowSocket extends Writable {
  /** One per write to the operating system. */
  readonly writes: Buffer[] = [];
  #finish: (() => void) | null = null;

  constructor() {
    super({ highWaterMark: 1 });
  }

  override _writev(chunks: { chunk: Buffer }[], callback: () => void): void {
    this.writes.push(Buffer.concat(chunks.map(({ chunk }) => chunk)));
    this.#finish = callback;
  }

  /** The operating system has taken what it was given. */
  async take(): Promise<void> {
    const finish = this.#finish;
    this.#finish = null;
    finish?.();
    await turns(3);
  }

  async takeAll(): Promise<void> {
    while (this.#finish !== null) await this.take();
  }

  get messages(): Message[] {
    const reader = new FrameReader(GENEROUS.maxFrameBytes);
    for (const bytes of this.writes) reader.push(bytes);
    const messages: Message[] = [];
    for (let frame = reader.next(); frame !== null; frame = reader.next()) messages.push(decodeMessage(frame));
    return messages;
  }
}

function queueWith(limits: Partial<FrameQueueLimits>): { queue: FrameQueue; socket: SlowSocket } {
  const socket = new SlowSocket();
  return { socket, queue: new FrameQueue(socket, systemClock, { ...GENEROUS, ...limits }) };
}

const heartbeat = (round: number): Message => ({ ...examples.heartbeat, round });
const propose = (bytes: number): Message => ({
  ...examples.propose,
  proposals: [{ id: { origin: 1, sequence: 1 }, data: new Uint8Array(bytes) }],
});
const all = (from: number, to: number) => Array.from({ length: to - from }, (_, place) => heartbeat(from + place));

describe('FrameQueue', () => {
  test('joins the messages of one turn into one write', async () => {
    const { queue, socket } = queueWith({});
    for (const message of all(0, 50)) queue.push(message);
    expect(socket.writes).toHaveLength(0);
    await turns(1);
    expect(socket.writes).toHaveLength(1);
    expect(socket.messages).toEqual(all(0, 50));
  });

  test('gives the socket no more than its window, and goes on when some of it is sent', async () => {
    const { queue, socket } = queueWith({ maxUnsentBytes: 1_000 });
    queue.push(propose(2_500));
    queue.push(heartbeat(1));
    await turns(3);
    expect(socket.writes.map((bytes) => bytes.length)).toEqual([1_000]);
    await socket.take();
    expect(socket.writes.map((bytes) => bytes.length)).toEqual([1_000, 1_000]);
    await socket.takeAll();
    expect(socket.messages).toEqual([propose(2_500), heartbeat(1)]);
  });

  test('drops what it cannot hold, and tells the first message of an overflow from the others', async () => {
    const { queue, socket } = queueWith({ maxUnsentBytes: 1, maxQueuedMessages: 3 });
    expect(all(0, 5).map((message) => queue.push(message))).toEqual([
      'queued',
      'queued',
      'queued',
      'overflowed',
      'dropped',
    ]);
    await socket.takeAll();
    await turns(1);
    await socket.takeAll();
    expect(socket.messages).toEqual(all(0, 3));
    expect(all(5, 9).map((message) => queue.push(message))).toEqual(['queued', 'queued', 'queued', 'overflowed']);
  });

  test('takes messages again during an overflow as soon as there is room, as part of the same overflow', async () => {
    const { queue, socket } = queueWith({ maxUnsentBytes: 1_000, maxQueuedBytes: 2_000 });
    const sent = () => queue.push(propose(900));
    expect([sent(), sent(), sent(), sent()]).toEqual(['queued', 'queued', 'queued', 'overflowed']);
    await turns(1);
    expect([sent(), sent()]).toEqual(['queued', 'dropped']);
    await socket.take();
    expect([sent(), sent()]).toEqual(['queued', 'dropped']);
    await socket.takeAll();
    expect(socket.messages).toHaveLength(5);
    expect([sent(), sent(), sent(), sent()]).toEqual(['queued', 'queued', 'queued', 'overflowed']);
  });

  test('leaves no trace of a message that no frame can hold', async () => {
    const { queue, socket } = queueWith({ maxFrameBytes: 1_000 });
    expect([queue.push(heartbeat(1)), queue.push(propose(2_000)), queue.push(heartbeat(2))]).toEqual([
      'queued',
      'oversized',
      'queued',
    ]);
    await turns(1);
    expect(socket.messages).toEqual([heartbeat(1), heartbeat(2)]);
  });

  test('writes nothing to a socket that is gone', async () => {
    const { queue, socket } = queueWith({});
    queue.push(heartbeat(1));
    socket.destroy();
    await turns(2);
    expect(socket.writes).toHaveLength(0);
  });
});
