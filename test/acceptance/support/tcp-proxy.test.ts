/** The proxy between peers: what it lets pass, what it holds back, and how it knows whose connection it is. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeGreeting } from '../../../packages/quorate/src/node/transport/greeting.js';
import { helloOf } from '../../node/transport/fixtures.js';
import { listening } from '../../node/transport/loopback.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { eventually } from '../../support/wait.js';

/** One end of a connection, and all that it received. */
class End {
  readonly socket: Socket;
  received = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    socket.on('error', () => socket.destroy());
  }

  async has(bytes: Uint8Array): Promise<void> {
    await eventually(`${bytes.length} bytes`, () => this.received.length >= bytes.length);
    expect(this.received.equals(bytes)).toBe(true);
  }
}

/** Resolves when it is gone, with an error or without. */
async function closed({ socket }: End): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

const greetingOf = (id: string) => encodeGreeting({ stream: 'control', hello: helloOf(id) });
const greeting = greetingOf('n1');

describe('a proxy between peers', () => {
  let proxy: TcpProxy;
  /** What the proxy draws; the last one for ever. */
  let chances: number[];
  let address: string;
  const accepted: End[] = [];
  const dialled: End[] = [];
  const target = createServer((socket) => accepted.push(new End(socket)));

  beforeEach(async () => {
    chances = [0.5];
    proxy = new TcpProxy(() => (chances.length > 1 ? chances.shift() : chances[0]) as number);
    const { host, port } = await listening(target);
    address = await proxy.inFrontOf('n2', `${host}:${port}`);
  });

  afterEach(async () => {
    for (const { socket } of [...accepted.splice(0), ...dialled.splice(0)]) socket.destroy();
    await proxy[Symbol.asyncDispose]();
    target.close();
    await once(target, 'close');
  });

  function dial(): End {
    const [host, port] = address.split(':') as [string, string];
    const end = new End(connect({ host, port: Number(port), noDelay: true }));
    dialled.push(end);
    return end;
  }

  /** A connection that is joined, both ends with nothing received. */
  async function joined(id = 'n1'): Promise<{ near: End; far: End }> {
    const near = dial();
    const count = accepted.length;
    near.socket.write(greetingOf(id));
    const far = await eventually('the target to be dialled', () => accepted[count] ?? null);
    await far.has(greetingOf(id));
    far.received = Buffer.alloc(0);
    return { near, far };
  }

  it('passes on the greeting and every byte behind it, both ways', async () => {
    const near = dial();
    near.socket.write(Buffer.concat([greeting, Buffer.from('behind')]));
    const far = await eventually('the target to be dialled', () => accepted[0] ?? null);
    await far.has(Buffer.concat([greeting, Buffer.from('behind')]));
    far.socket.write('answer');
    await near.has(Buffer.from('answer'));
    expect(proxy.link('n1', 'n2').counts.passed).toBe(1);
    expect(proxy.link('n2', 'n1').counts.passed).toBe(1);
  });

  it('dials nobody until the greeting is whole', async () => {
    const near = dial();
    for (const byte of greeting.subarray(0, -1)) {
      near.socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(accepted).toHaveLength(0);
    near.socket.write(greeting.subarray(-1));
    const far = await eventually('the target to be dialled', () => accepted[0] ?? null);
    await far.has(greeting);
  });

  it('drops a connection that does not greet', async () => {
    const near = dial();
    near.socket.write('GET / HTTP/1.1\r\nHost: there\r\n\r\n');
    await closed(near);
    expect(proxy.strangers).toBe(1);
    expect(accepted).toHaveLength(0);
  });

  it('holds back what a blocked link brings, lets the other way pass, and delivers all of it later', async () => {
    const { near, far } = await joined();
    const link = proxy.link('n1', 'n2');
    link.block();
    near.socket.write('late');
    far.socket.write('on time');
    await near.has(Buffer.from('on time'));
    await eventually('the bytes to be held', () => link.counts.held > 0);
    expect(far.received).toHaveLength(0);
    link.unblock();
    await far.has(Buffer.from('late'));
  });

  it('keeps megabytes behind a blocked link in order, and reads no more than its limit', async () => {
    const { near, far } = await joined();
    const bytes = Buffer.from(Uint8Array.from({ length: 24 * 1024 * 1024 }, (_, i) => (i * 31) >> 3));
    proxy.link('n1', 'n2').block();
    const written = new Promise((resolve) => near.socket.write(bytes, resolve));
    const { counts } = proxy.link('n1', 'n2');
    let before = 0;
    const isSteady = () => {
      const steady = counts.held > 0 && counts.held === before;
      before = counts.held;
      return steady;
    };
    await eventually('the proxy to read no more', isSteady, { everyMs: 100 });
    expect(near.socket.writableLength).toBeGreaterThan(0);
    proxy.link('n1', 'n2').unblock();
    await far.has(bytes);
    await written;
  });

  it('dials through a blocked link only when it opens, and not for one who has left', async () => {
    proxy.link('n1', 'n2').block();
    const gone = dial();
    gone.socket.write(greeting);
    await eventually('the greeting to be held', () => proxy.link('n1', 'n2').counts.held === 1);
    gone.socket.destroy();
    const patient = dial();
    patient.socket.write(Buffer.concat([greeting, Buffer.from('patient')]));
    await eventually('the other greeting to be held', () => proxy.link('n1', 'n2').counts.held === 2);
    expect(accepted).toHaveLength(0);
    proxy.link('n1', 'n2').unblock();
    const far = await eventually('the target to be dialled', () => accepted[0] ?? null);
    await far.has(Buffer.concat([greeting, Buffer.from('patient')]));
    expect(accepted).toHaveLength(1);
  });

  it('delays by what it was told, and keeps the order when the delay shrinks', async () => {
    const { near, far } = await joined();
    const link = proxy.link('n1', 'n2');
    link.delayMs = 120;
    const startedAt = performance.now();
    near.socket.write('first ');
    await eventually('the first to be delayed', () => link.counts.delayed === 1);
    link.heal();
    near.socket.write('second');
    await far.has(Buffer.from('first second'));
    expect(performance.now() - startedAt).toBeGreaterThan(110);
  });

  it('makes a lost chunk late, and breaks the connection of one that is lost again and again', async () => {
    const { near, far } = await joined();
    const link = proxy.link('n1', 'n2');
    link.lossProbability = 0.1;
    // The first is for the jitter; then one loss, and what follows passes.
    chances = [0, 0.05, 0.5];
    const startedAt = performance.now();
    near.socket.write('late');
    await far.has(Buffer.from('late'));
    expect(performance.now() - startedAt).toBeGreaterThan(190);
    expect(link.counts).toMatchObject({ lost: 1, broken: 0 });
    chances = [0];
    near.socket.write('never');
    await Promise.all([closed(near), closed(far)]);
    expect(link.counts).toMatchObject({ lost: 4, broken: 1 });
    expect(far.received.toString()).toBe('late');
  });

  it('cuts the connections of one pair and no other', async () => {
    const one = await joined('n1');
    const other = await joined('n3');
    proxy.link('n2', 'n1').cut();
    await Promise.all([closed(one.near), closed(one.far)]);
    other.near.socket.write('here');
    await other.far.has(Buffer.from('here'));
    expect(proxy.link('n2', 'n1').counts.broken).toBe(1);
  });

  it('passes on the end of a stream behind its last byte', async () => {
    const { near, far } = await joined();
    far.socket.end('last');
    await closed(near);
    expect(near.received.toString()).toBe('last');
    await closed(far);
  });

  it('lets a death be known, but not through a blocked link', async () => {
    const { near, far } = await joined();
    const link = proxy.link('n2', 'n1');
    link.block();
    const gone = closed(near);
    far.socket.resetAndDestroy();
    near.socket.write('are you there');
    await eventually('the question to pass', () => proxy.link('n1', 'n2').counts.passed === 2);
    expect(near.socket.destroyed).toBe(false);
    link.unblock();
    await gone;
  });

  it('ends both sides when nobody listens behind it', async () => {
    const nowhere = await proxy.inFrontOf('n4', '127.0.0.1:1');
    const [host, port] = nowhere.split(':') as [string, string];
    const near = new End(connect({ host, port: Number(port) }));
    dialled.push(near);
    near.socket.write(greeting);
    await closed(near);
  });
});
