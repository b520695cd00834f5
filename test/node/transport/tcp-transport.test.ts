/**
 * The TCP transport between real sockets: what it delivers, in which order, and what it reports when something is lost.
 * What strangers may do to the peer port is in `peer-port.test.ts`.
 */
import { afterEach, describe, expect, test } from 'vitest';
import type { AppendEntries, Heartbeat } from '../../../packages/quorate/src/core/index.js';
import { FormationAgreement } from '../../../packages/quorate/src/node/formation-agreement.js';
import type { Address } from '../../../packages/quorate/src/node/transport/sockets.js';
import { turns } from './events.js';
import { helloOf } from './fixtures.js';
import { Link } from './link.js';
import { ManualClock } from './manual-clock.js';
import { RawPeer } from './raw-peer.js';
import { TestNode } from './test-node.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function node(...args: ConstructorParameters<typeof TestNode>): TestNode {
  const created = new TestNode(...args);
  cleanups.push(() => created.transport.close());
  return created;
}

function rawPeer(id: string): RawPeer {
  const peer = new RawPeer(helloOf(id));
  cleanups.push(() => peer.close());
  return peer;
}

async function link(): Promise<{ link: Link; address: Address }> {
  const opened = await Link.open();
  cleanups.push(() => opened.link.close());
  return opened;
}

/** Nodes that all reach each other, each through a link of its own. */
async function group(ids: readonly string[]): Promise<{ nodes: TestNode[]; links: Link[] }> {
  const links = await Promise.all(ids.map(link));
  const peers = Object.fromEntries(ids.map((id, place) => [id, (links[place] as { address: Address }).address]));
  const nodes = ids.map((id) => node(id, peers));
  for (const [place, each] of nodes.entries()) {
    await each.open();
    (links[place] as { link: Link }).link.target = each.address;
  }
  return { nodes, links: links.map((each) => each.link) };
}

async function pair(): Promise<{ n1: TestNode; n2: TestNode; links: Link[] }> {
  const { nodes, links } = await group(['n1', 'n2']);
  const [n1, n2] = nodes as [TestNode, TestNode];
  await Promise.all([n1.connected('n2'), n2.connected('n1')]);
  return { n1, n2, links };
}

const heartbeat = (round: number, to = 'n2', from = 'n1'): Heartbeat => ({
  type: 'heartbeat',
  from,
  to,
  term: 1,
  commit: 0,
  round,
});

const append = (bytes: number, round = 0): AppendEntries => ({
  type: 'append-entries',
  from: 'n1',
  to: 'n2',
  term: 1,
  previousIndex: 0,
  previousTerm: 0,
  entries: [
    { index: 1, term: 1, kind: 'command', timestampMs: 1, proposal: null, data: new Uint8Array(bytes).fill(7) },
  ],
  commit: 0,
  round,
});

const rounds = (messages: readonly unknown[]) => (messages as Heartbeat[]).map((message) => message.round);
const upTo = (count: number) => Array.from({ length: count }, (_, place) => place);

describe('between two nodes', () => {
  test('messages arrive as they were sent, both ways, in the order of their stream', async () => {
    const { n1, n2 } = await pair();
    for (const round of upTo(500)) n1.transport.send(heartbeat(round));
    n2.transport.send(heartbeat(7, 'n1', 'n2'));
    await n2.until(() => n2.messages.length === 500);
    await n1.until(() => n1.messages.length === 1);
    expect(rounds(n2.messages)).toEqual(upTo(500));
    expect(n1.messages).toEqual([heartbeat(7, 'n1', 'n2')]);
  });

  test('appends of any size arrive whole, large ones in their own order', async () => {
    const { n1, n2 } = await pair();
    const sizes = [0, 100, 16_384, 20_000, 1_000_000, 3_000_000, 17_000];
    for (const [round, size] of sizes.entries()) n1.transport.send(append(size, round));
    await n2.until(() => n2.messages.length === sizes.length);
    const byRound = [...n2.messages].sort((a, b) => (a as AppendEntries).round - (b as AppendEntries).round);
    for (const [round, size] of sizes.entries()) {
      const { entries, ...rest } = byRound[round] as AppendEntries;
      const { entries: sent, ...expected } = append(size, round);
      expect(rest).toEqual(expected);
      expect(Buffer.compare(entries[0]?.data ?? Buffer.of(), sent[0]?.data ?? Buffer.of(0))).toBe(0);
    }
    const large = n2.messages.filter((message) => ((message as AppendEntries).entries[0]?.data.length ?? 0) > 16_384);
    expect(rounds(large)).toEqual([3, 4, 5, 6]);
  });

  test('each learns the latest hello of the other, and says that it is connected', async () => {
    const { n1, n2 } = await pair();
    expect(n1.hellos).toEqual([n2.own]);
    expect(n1.transport.isConnected('n2')).toBe(true);
    expect(n1.transport.isConnected('n9')).toBe(false);
    n2.transport.announce({ ...n2.own, url: 'http://elsewhere' });
    await n1.until(() => n1.hellos.at(-1)?.url === 'http://elsewhere');
    expect(n1.disconnections).toEqual(['n2']);
  });

  test('what is sent in one turn of the loop goes out in one write', async () => {
    const peer = rawPeer('n2');
    const n1 = await node('n1', { n2: await peer.listen() }).open();
    const { connection } = await peer.stream('control');
    await n1.connected('n2');
    let chunks = 0;
    connection.socket.on('data', () => {
      chunks += 1;
    });
    for (const round of upTo(100)) n1.transport.send(heartbeat(round));
    await connection.frame(100);
    expect(chunks).toBe(1);
  });

  test('no more than a bounded number of messages is handled in one turn of the loop', async () => {
    const { n1, n2 } = await pair();
    const total = 10_000;
    let thisTurn = 0;
    let most = 0;
    n2.onMessage = () => {
      if (thisTurn === 0) {
        setImmediate(() => {
          thisTurn = 0;
        });
      }
      thisTurn += 1;
      most = Math.max(most, thisTurn);
    };
    for (const round of upTo(total)) n1.transport.send(heartbeat(round));
    await n2.until(() => n2.messages.length === total);
    expect(rounds(n2.messages)).toEqual(upTo(total));
    // The end of one turn's work and the start of the next may fall between two of our own marks.
    expect(most).toBeLessThan(2_100);
  });
});

describe('three nodes that have yet to form', () => {
  test('tell each other their hellos while they refuse each other, and talk once all have formed', async () => {
    const ids = ['n1', 'n2', 'n3'];
    const links = await Promise.all(ids.map(link));
    const peers = Object.fromEntries(ids.map((id, place) => [id, (links[place] as { address: Address }).address]));
    const nodes = ids.map((id) => node(id, peers));
    for (const [place, each] of nodes.entries()) {
      const own = helloOf(ids[place] as string, { formation: null });
      const agreement = new FormationAgreement(own);
      each.onHello = (hello) => {
        if (each.own.formation !== null) return;
        const state = agreement.receive(hello);
        if (state.name !== 'formed') return;
        each.own = { ...each.own, formation: state.formation };
        each.transport.announce(each.own);
      };
      await each.open(own);
      (links[place] as { link: Link }).link.target = each.address;
    }
    await Promise.all(nodes.map((each) => each.connected(...ids.filter((id) => id !== each.own.id))));
    const formations = nodes.map((each) => each.own.formation);
    expect(formations[0]).toEqual(helloOf('n1').formation);
    expect(formations[1]).toEqual(formations[0]);
    expect(formations[2]).toEqual(formations[0]);
    const [n1, n2] = nodes as [TestNode, TestNode];
    n1.transport.send(heartbeat(1));
    await n2.until(() => n2.messages.length === 1);
    expect(nodes.flatMap((each) => each.lines('warn'))).toEqual([]);
  });
});

describe('when a connection breaks', () => {
  test('the loss is reported once and the streams come back by themselves', async () => {
    const { n1, n2, links } = await pair();
    links[1]?.cut();
    await n1.until(() => n1.disconnections.length > 0);
    await n1.connected('n2');
    n1.transport.send(heartbeat(1));
    await n2.until(() => n2.messages.length === 1);
    await turns(5);
    expect(n1.disconnections).toEqual(['n2']);
    expect(n2.disconnections).toEqual([]);
  });

  test('what is sent meanwhile is dropped, which is reported once and not for every message', async () => {
    const { n1, n2 } = await pair();
    await n2.transport.close();
    await n1.until(() => n1.disconnections.length > 0);
    for (const round of upTo(5)) {
      n1.transport.send(heartbeat(round));
      await turns(2);
    }
    expect(n1.disconnections).toEqual(['n2']);
    const n3 = await node('n3', { n2: { host: '127.0.0.1', port: n1.transport.port } }).open();
    for (const round of upTo(5)) {
      n3.transport.send(heartbeat(round, 'n2', 'n3'));
      await turns(2);
    }
    expect(n3.disconnections).toEqual(['n2']);
  });

  test('a peer that was restarted at another address is found again and its new hello reported', async () => {
    const { n1, n2, links } = await pair();
    await n2.transport.close();
    await n1.until(() => n1.disconnections.length > 0);
    expect(n1.transport.isConnected('n2')).toBe(false);
    const next = await node('n2', { n1: { host: '127.0.0.1', port: n1.transport.port } }).open(
      helloOf('n2', { bootId: 2 }),
    );
    (links[1] as Link).target = next.address;
    await n1.connected('n2');
    expect(n1.hellos.at(-1)).toEqual(next.own);
    n1.transport.send(heartbeat(1));
    await next.until(() => next.messages.length === 1);
  });

  test('a peer that calls is dialled at once, however long the pause was to be', async () => {
    const { link: to2, address } = await link();
    const n1 = await node('n1', { n2: address }, { reconnectMinMs: 1_000_000_000 }).open();
    await n1.until(() => n1.log.length > 0);
    expect(n1.log[0]?.message).toBe('cannot reach a peer; trying again');
    await turns(20);
    const n2 = node('n2', { n1: n1.address });
    // The greeting of n2 must find its own address known already.
    await n2.open();
    to2.target = n2.address;
    await n1.connected('n2');
  });

  test('a peer that was restarted is dialled anew although the old connection still looks alive', async () => {
    const peer = rawPeer('n2');
    const n1 = await node('n1', { n2: await peer.listen() }).open();
    await n1.connected('n2');
    peer.hello = helloOf('n2', { bootId: 2 });
    const n2 = await node('n2', { n1: n1.address }).open(peer.hello);
    await peer.stream('control', 2);
    await n1.until(() => n1.hellos.at(-1)?.bootId === 2);
    expect(n1.lines('warn').map((line) => line.fields.reason)).toEqual(['the peer was started anew']);
    await n2.connected('n1');
  });

  test('attempts are spaced out with jitter up to the longest pause, and logged once per reason', async () => {
    const clock = new ManualClock();
    const { address } = await link();
    const n1 = await node('n1', { n2: address }, { clock, random: () => 0 }).open();
    const pauses: number[] = [];
    const original = clock.setTimer.bind(clock);
    clock.setTimer = (delayMs, callback) => {
      if (delayMs <= 1_000) pauses.push(delayMs);
      n1.events.notify();
      return original(delayMs, callback);
    };
    for (const attempt of upTo(8)) {
      await n1.until(() => pauses.length >= 2 * (attempt + 1));
      clock.advance(1_000);
    }
    expect(pauses.slice(0, 16).filter((_, place) => place % 2 === 0)).toEqual([25, 50, 100, 200, 400, 500, 500, 500]);
    expect(n1.log.map((line) => line.message)).toEqual(['cannot reach a peer; trying again']);
  });
});

describe('a peer that does not keep up', () => {
  test('on the bulk stream holds up no heartbeat, and gets everything once it reads', async () => {
    const peer = rawPeer('n2');
    peer.deafTo = 'bulk';
    const n1 = await node('n1', { n2: await peer.listen() }).open();
    await n1.connected('n2');
    const { connection } = await peer.stream('bulk');
    for (const round of upTo(20)) n1.transport.send(append(1_000_000, round));
    for (const round of upTo(50)) {
      n1.transport.send(heartbeat(round));
      const control = await peer.stream('control');
      await control.connection.frame(1 + round);
    }
    expect(rounds(peer.messages('control'))).toEqual(upTo(50));
    expect(peer.messages('bulk')).toEqual([]);
    connection.socket.resume();
    await connection.frame(20);
    expect(rounds(peer.messages('bulk'))).toEqual(upTo(20));
    expect(n1.disconnections).toEqual([]);
  });

  test('loses what the queue cannot hold, which is reported once, with one line in the log', async () => {
    const peer = rawPeer('n2');
    peer.deafTo = 'bulk';
    const options = { clock: new ManualClock(), maxUnsentBytes: 65_536, maxQueuedBytes: 5_000_000 };
    const n1 = await node('n1', { n2: await peer.listen() }, options).open();
    await n1.connected('n2');
    while (n1.disconnections.length === 0) {
      n1.transport.send(append(1_000_000));
      await turns(1);
    }
    for (let more = 0; more < 10; more++) n1.transport.send(append(1_000_000));
    await turns(5);
    expect(n1.disconnections).toEqual(['n2']);
    expect(n1.lines('warn').map((line) => line.message)).toEqual(['the queue of messages to a peer is full']);
    expect(n1.transport.isConnected('n2')).toBe(true);
  });

  test('and is silent for too long is dialled anew', async () => {
    const clock = new ManualClock();
    const peer = rawPeer('n2');
    const n1 = await node('n1', { n2: await peer.listen() }, { clock }).open();
    await n1.connected('n2');
    clock.advance(4_000);
    await turns(5);
    expect(n1.transport.isConnected('n2')).toBe(true);
    clock.advance(1_250);
    await n1.until(() => n1.disconnections.length > 0);
    expect(n1.lines('warn')[0]?.fields.reason).toBe('the peer was silent for 5000 ms');
    await peer.stream('control', 2);
  });

  test('but shows signs of life stays connected', async () => {
    const clock = new ManualClock();
    const n2 = await node('n2', {}, { clock }).open();
    const n1 = await node('n1', { n2: n2.address }, { clock }).open();
    await n1.connected('n2');
    for (let step = 0; step < 20; step++) {
      clock.advance(1_250);
      await turns(20);
    }
    expect(n1.disconnections).toEqual([]);
    expect(n1.transport.isConnected('n2')).toBe(true);
  });

  test('and a message that no frame can hold is dropped and reported, with one line in the log', async () => {
    const peer = rawPeer('n2');
    const n1 = await node('n1', { n2: await peer.listen() }, { maxFrameBytes: 65_536 }).open();
    await n1.connected('n2');
    n1.transport.send(append(70_000));
    n1.transport.send(append(70_000));
    n1.transport.send(append(50_000, 3));
    const { connection } = await peer.stream('bulk');
    await connection.frame(1);
    await n1.until(() => n1.disconnections.length > 0);
    expect(rounds(peer.messages('bulk'))).toEqual([3]);
    expect(n1.lines('error')).toHaveLength(1);
  });
});

describe('opening and closing', () => {
  test('opening on a taken port rejects with the system error', async () => {
    const n1 = await node('n1', {}).open();
    await expect(node('n2', {}, { listen: n1.address }).open()).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test('closing while it opens leaves nothing behind', async () => {
    const n1 = node('n1', {});
    const opening = expect(n1.open()).rejects.toMatchObject({ code: 'Stopped' });
    await n1.transport.close();
    await opening;
    await turns(5);
    expect(sockets()).toEqual([]);
  });

  test('a closed transport has no sockets, servers or timers left, and reports nothing any more', async () => {
    const clock = new ManualClock();
    const peer = rawPeer('n2');
    peer.mute = true;
    const mute = await peer.listen();
    const { address: dead } = await link();
    const a = node('n1', { n2: mute, n3: dead }, { clock });
    await a.open();
    const b = await node('n3', { n1: a.address }, { clock }).open();
    await b.connected('n1');
    await peer.stream('control');
    expect(clock.pendingTimers).toBeGreaterThan(0);
    await Promise.all([a.transport.close(), b.transport.close()]);
    const reports = [...a.disconnections, ...b.disconnections];
    a.transport.send(heartbeat(1, 'n3'));
    a.transport.announce(a.own);
    clock.advance(100_000);
    await turns(5);
    expect(clock.pendingTimers).toBe(0);
    expect([...a.disconnections, ...b.disconnections]).toEqual(reports);
    await a.transport.close();
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    await turns(5);
    expect(sockets()).toEqual([]);
  });

  test('options out of their range are refused with their name, range and value', () => {
    const make = (changes: object) => () => new TestNode('n1', {}, changes);
    expect(make({ maxFrameBytes: 10 })).toThrow(
      'maxFrameBytes must be a whole number from 65536 to 1073741824, received 10',
    );
    expect(make({ reconnectMinMs: 500, reconnectMaxMs: 100 })).toThrow(
      'reconnectMaxMs must be a whole number from 500',
    );
    expect(make({ handshakeTimeoutMs: Number.NaN })).toThrow('received NaN');
    expect(make({ peers: { n2: { host: 'x', port: 0 } } })).toThrow('peers.n2.port must be a whole number from 1');
    expect(make({ peers: { n2: { host: '', port: 1 } } })).toThrow('peers.n2.host must be a host name or address');
    expect(make({ id: '' })).toThrow('id must be a name, received ""');
  });
});

/** The sockets and servers of this process that keep it alive. */
function sockets(): string[] {
  return process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP') || name === 'ConnectWrap');
}
