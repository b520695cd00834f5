/**
 * The peer port against everything that may knock there. Each is dropped with one line in the log, and disturbs nobody
 * else.
 */
import { afterEach, describe, expect, test } from 'vitest';
import type { Heartbeat } from '../../../packages/quorate/src/core/index.js';
import { type Clock, systemClock } from '../../../packages/quorate/src/node/clock.js';
import { encodeGreeting } from '../../../packages/quorate/src/node/transport/greeting.js';
import { turns } from './events.js';
import { formationOfNames, helloOf } from './fixtures.js';
import { Link } from './link.js';
import { ManualClock } from './manual-clock.js';
import { dialRaw, greetRaw, type RawConnection } from './raw-connection.js';
import { RawPeer } from './raw-peer.js';
import { TestNode } from './test-node.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(...args: ConstructorParameters<typeof TestNode>): Promise<TestNode> {
  const created = new TestNode(...args);
  cleanups.push(() => created.transport.close());
  return created.open();
}

const raw = (connection: RawConnection): RawConnection => {
  cleanups.push(() => connection.socket.destroy());
  return connection;
};

async function greet(target: TestNode, ...[hello, stream]: [Parameters<typeof greetRaw>[1], ('control' | 'bulk')?]) {
  const greeted = await greetRaw(target.address, hello, stream);
  raw(greeted.connection);
  return greeted;
}

const heartbeat: Heartbeat = { type: 'heartbeat', from: 'n2', to: 'n1', term: 1, commit: 0, round: 1 };
const warnings = (node: TestNode) => node.lines('warn').map(({ fields }) => fields.reason);
const local = (connection: RawConnection) => `127.0.0.1:${connection.socket.localPort}`;

describe('a connection is dropped with one line that names its address and the reason', () => {
  const garbage = {
    'an HTTP request': [
      Buffer.from('GET / HTTP/1.1\r\nHost: n1\r\n\r\n'),
      'it announces a frame of 1195725856 bytes, 65536 are the limit',
    ],
    'a frame of garbage': [Buffer.from('\0\0\0\x08abcdefgh'), 'it does not speak the protocol of Quorate'],
    'an empty frame': [Buffer.alloc(4), '4 bytes are expected where 0 are left'],
    'a greeting above 64 KiB': [
      encodeGreeting({
        stream: 'control',
        hello: helloOf('n2', { cluster: 'x'.repeat(65_000), url: 'y'.repeat(600) }),
      }),
      /it announces a frame of \d+ bytes, 65536 are the limit/,
    ],
  } as const;

  for (const [name, [bytes, reason]] of Object.entries(garbage)) {
    test(`when it brings ${name}`, async () => {
      const n1 = await open('n1', {});
      const connection = raw(dialRaw(n1.address));
      connection.socket.write(bytes);
      await n1.until(() => n1.log.length > 0);
      const remote = local(connection);
      await connection.end();
      await turns(5);
      expect(n1.log).toEqual([
        {
          level: 'warn',
          fields: { remote, peer: null, reason: typeof reason === 'string' ? reason : expect.stringMatching(reason) },
          message: 'dropped a connection on the peer port',
        },
      ]);
      expect(connection.frames).toEqual([]);
    });
  }

  test('when it says nothing in time', async () => {
    const clock = new ManualClock();
    const n1 = await open('n1', {}, { clock });
    const connection = raw(dialRaw(n1.address));
    connection.socket.write(Buffer.from([0, 0, 1]));
    while (clock.pendingTimers < 2) await turns(1);
    clock.advance(1_999);
    await turns(3);
    expect(n1.log).toEqual([]);
    clock.advance(1);
    await connection.end();
    expect(warnings(n1)).toEqual(['no greeting within 2000 ms']);
  });

  test('but not when this node was blocked while the greeting waited to be read', async () => {
    const timers: number[] = [];
    const clock: Clock = {
      ...systemClock,
      setTimer(delayMs, callback) {
        timers.push(delayMs);
        return systemClock.setTimer(delayMs, callback);
      },
    };
    const n1 = await open('n1', {}, { clock, handshakeTimeoutMs: 50 });
    const connection = raw(dialRaw(n1.address));
    while (!timers.includes(50)) await turns(1);
    connection.socket.write(encodeGreeting({ stream: 'control', hello: helloOf('n2') }));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    connection.send(heartbeat);
    await n1.until(() => n1.messages.length + n1.log.length > 0);
    expect(n1.messages).toEqual([heartbeat]);
  });

  test('when a peer sends a frame above the limit, whatever it sent before', async () => {
    const n1 = await open('n1', {}, { maxFrameBytes: 65_536 });
    const { connection } = await greet(n1, helloOf('n2'));
    connection.send(heartbeat);
    connection.socket.write(Buffer.from([0, 1, 0, 1]));
    await connection.end();
    expect(n1.messages).toEqual([heartbeat]);
    expect(warnings(n1)).toEqual(['it announces a frame of 65537 bytes, 65536 are the limit']);
    expect(n1.lines('warn')[0]?.fields.peer).toBe('n2');
  });

  test('when a peer sends a malformed message, and nothing after it is delivered', async () => {
    const n1 = await open('n1', {});
    const { connection } = await greet(n1, helloOf('n2'));
    connection.socket.cork();
    connection.socket.write(Buffer.from([0, 0, 0, 1, 9]));
    connection.send(heartbeat);
    connection.socket.uncork();
    await connection.end();
    expect(warnings(n1)).toEqual(['a message has version 9']);
    expect(n1.messages).toEqual([]);
  });

  test('when a peer speaks in the name of another, or to another', async () => {
    const n1 = await open('n1', {});
    const first = await greet(n1, helloOf('n2'));
    first.connection.send({ ...heartbeat, from: 'n3' });
    await first.connection.end();
    const second = await greet(n1, helloOf('n2'));
    second.connection.send({ ...heartbeat, to: 'n3' });
    await second.connection.end();
    expect(n1.messages).toEqual([]);
    expect(warnings(n1)).toEqual(['n2 sent a message in the name of n3', 'a message for n3 came to this node']);
  });

  test('and the connections of others go on', async () => {
    const n1 = await open('n1', {});
    const { connection } = await greet(n1, helloOf('n2'));
    const stranger = raw(dialRaw(n1.address));
    stranger.socket.write('SSH-2.0-OpenSSH\r\n');
    await stranger.end();
    connection.send(heartbeat);
    await n1.until(() => n1.messages.length === 1);
    expect(connection.closed).toBe(false);
  });
});

describe('a greeting is refused', () => {
  const stranger = helloOf('n2', { formation: formationOfNames(['n1', 'n2', 'n3'], 'staging') });

  test('in another version of the protocol, with an answer that tells ours', async () => {
    const n1 = await open('n1', {});
    const connection = raw(dialRaw(n1.address));
    connection.socket.write(encodeGreeting({ stream: 'control', hello: helloOf('n2', { version: 7 }) }));
    const answer = await connection.frame(0);
    await connection.end();
    expect(answer.subarray(0, 6)).toEqual(Buffer.from('QUOR\0\x01'));
    expect(warnings(n1)).toEqual(['it speaks version 7 of the protocol, this node version 1']);
  });

  test('of another cluster with the same names, with one line however often it tries', async () => {
    const n1 = await open('n1', {});
    for (let attempt = 0; attempt < 3; attempt++) {
      const { answer, connection } = await greet(n1, stranger, attempt === 1 ? 'bulk' : 'control');
      expect(answer.refusal).toMatch(/^n2 belongs to another cluster: "staging"/);
      expect(answer.hello).toEqual(n1.own);
      connection.send(heartbeat);
      await connection.end();
    }
    expect(n1.lines('warn')).toHaveLength(1);
    expect(n1.lines('warn')[0]?.fields).toMatchObject({ peer: 'n2' });
    await greet(n1, { ...stranger, incarnation: 'another disk' });
    expect(n1.lines('warn')).toHaveLength(2);
    expect(n1.messages).toEqual([]);
  });

  test('of a node that bears our own name', async () => {
    const n1 = await open('n1', {});
    const { answer } = await greet(n1, helloOf('n1'));
    expect(answer.refusal).toBe('n1 is the name of this node itself');
  });

  test('and the connection ends even if the other side does not', async () => {
    const clock = new ManualClock();
    const n1 = await open('n1', {}, { clock });
    const { connection } = await greet(n1, stranger);
    connection.socket.pause();
    clock.advance(2_000);
    await turns(3);
    connection.socket.resume();
    await connection.end();
    expect(n1.lines('warn')).toHaveLength(1);
  });

  test('and who merely calls in under the name of a peer is not reported as that peer', async () => {
    const n1 = await open('n1', {});
    await greet(n1, stranger);
    await greet(n1, helloOf('n2'));
    expect(n1.hellos).toEqual([]);
  });
});

describe('the peer that was dialled', () => {
  async function dialled(change: (peer: RawPeer) => void, options: ConstructorParameters<typeof TestNode>[2] = {}) {
    const peer = new RawPeer(helloOf('n2'));
    cleanups.push(() => peer.close());
    change(peer);
    const n1 = await open('n1', { n2: await peer.listen() }, options);
    return { n1, peer };
  }

  test('may refuse us: its hello is reported all the same, we try again, and log it once per reason', async () => {
    const { n1, peer } = await dialled((raw) => {
      raw.refusal = 'not you';
    });
    await peer.stream('control', 3);
    expect(n1.hellos.length).toBeGreaterThanOrEqual(2);
    expect(n1.hellos[0]).toEqual(peer.hello);
    expect(warnings(n1)).toEqual(['not you']);
    n1.transport.send({ ...heartbeat, from: 'n1', to: 'n2' });
    peer.refusal = 'still not you';
    await n1.until(() => n1.lines('warn').length === 2);
    expect(warnings(n1)).toEqual(['not you', 'still not you']);
    peer.refusal = null;
    await n1.connected('n2');
    expect(peer.messages('control')).toEqual([]);
  });

  test('is not sent anything when we refuse it', async () => {
    const { n1, peer } = await dialled((raw) => {
      raw.hello = helloOf('n2', { incarnation: 'wiped', formation: null });
    });
    await n1.until(() => n1.log.length > 0);
    expect(n1.log[0]?.fields.reason).toBe('n2 is known with another disk; remove it and join under a new name');
    const { connection } = await peer.stream('control');
    await connection.end();
    expect(n1.hellos[0]?.incarnation).toBe('wiped');
    expect(n1.transport.isConnected('n2')).toBe(false);
  });

  test('is not taken for the node that is to be there when it has another name', async () => {
    const { n1 } = await dialled((raw) => {
      raw.hello = helloOf('n3');
    });
    await n1.until(() => n1.log.length > 0);
    expect(n1.log[0]?.fields.reason).toBe('the node there is n3');
    expect(n1.hellos).toEqual([]);
  });

  test('is left when it sends messages on a connection that is ours', async () => {
    const { n1, peer } = await dialled(() => {});
    await n1.connected('n2');
    (await peer.stream('control')).connection.send(heartbeat);
    await n1.until(() => n1.disconnections.length > 0);
    expect(warnings(n1)).toEqual(['it sends messages on a connection that is ours']);
    expect(n1.messages).toEqual([]);
  });

  test('is left when it answers with garbage', async () => {
    const { n1, peer } = await dialled((raw) => {
      raw.mute = true;
    });
    (await peer.stream('control')).connection.socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
    await n1.until(() => n1.lines('warn').length > 0);
    expect(warnings(n1)[0]).toMatch(/it announces a frame of \d+ bytes, 65536 are the limit/);
  });

  test('is dialled anew when it does not answer in time', async () => {
    const clock = new ManualClock();
    const { n1, peer } = await dialled(
      (raw) => {
        raw.mute = true;
      },
      { clock },
    );
    await peer.stream('control');
    await peer.stream('bulk');
    clock.advance(2_000);
    await n1.until(() => n1.log.length > 0);
    expect(n1.log[0]?.fields.reason).toBe('no answer within 2000 ms');
    clock.advance(50);
    await peer.stream('control', 2);
  });
});

describe('a newer connection of the same stream', () => {
  test('takes the place of the older one, but only once its hand-shake is complete', async () => {
    const n1 = await open('n1', {});
    const older = await greet(n1, helloOf('n2'));
    const bulk = await greet(n1, helloOf('n2'), 'bulk');
    const unfinished = raw(dialRaw(n1.address));
    unfinished.socket.write(encodeGreeting({ stream: 'control', hello: helloOf('n2') }).subarray(0, 40));
    await greet(n1, helloOf('n2', { incarnation: 'wiped' }));
    await turns(5);
    expect(older.connection.closed).toBe(false);
    const newer = await greet(n1, helloOf('n2'));
    await older.connection.end();
    newer.connection.send(heartbeat);
    await n1.until(() => n1.messages.length === 1);
    expect([newer.connection.closed, bulk.connection.closed]).toEqual([false, false]);
  });
});

describe('a link between two nodes', () => {
  test('that is cut in the midst of a frame delivers the frame not at all', async () => {
    const { link, address } = await Link.open();
    cleanups.push(() => link.close());
    const n1 = await open('n1', {});
    link.target = n1.address;
    const { connection } = await greetRaw(address, helloOf('n2'));
    raw(connection);
    connection.socket.write(Buffer.from([0, 0, 0, 50, 1, 7]));
    await turns(3);
    link.cut();
    await connection.end();
    await turns(5);
    expect(n1.messages).toEqual([]);
    expect(n1.log).toEqual([]);
  });
});
