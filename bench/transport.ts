/**
 * How many round trips a second two nodes make over the peer transport, at 1, 16 and 128 outstanding: two processes on
 * loopback, a heartbeat there and its answer back. It must never share a process between both ends, for that would
 * measure one loop.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Message } from '../packages/quorate/src/core/index.js';
import { systemClock } from '../packages/quorate/src/node/clock.js';
import { formationOf, type Hello, PROTOCOL_VERSION } from '../packages/quorate/src/node/identity.js';
import { silentLogger } from '../packages/quorate/src/node/logger.js';
import { TcpTransport } from '../packages/quorate/src/node/transport/tcp-transport.js';

const HOST = '127.0.0.1';
const OUTSTANDING = [1, 16, 128];
const RUN_MS = 3_000;
const ids = ['caller', 'echo'] as const;
type Id = (typeof ids)[number];
type Ports = Readonly<Record<Id, number>>;

/** Opens one end; `receive` gets every message. Resolves with it, and with when the other end is connected. */
async function openEnd(id: Id, ports: Ports, receive: (message: Message) => void) {
  const peer = id === 'caller' ? 'echo' : 'caller';
  let connected = () => {};
  const ready = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const transport = new TcpTransport({
    id,
    listen: { host: HOST, port: ports[id] },
    peers: { [peer]: { host: HOST, port: ports[peer] } },
    clock: systemClock,
    random: Math.random,
    logger: { ...silentLogger, info: (fields) => fields.stream === 'control' && connected() },
  });
  await transport.open(helloOf(id), { accept: () => null, hello() {}, message: receive, disconnected() {} });
  return { transport, ready };
}

function helloOf(id: Id): Hello {
  const formation = formationOf(
    'bench',
    ids.map((member) => ({ id: member, incarnation: member })),
  );
  return {
    version: PROTOCOL_VERSION,
    cluster: 'bench',
    id,
    incarnation: id,
    bootId: 1,
    url: null,
    peers: ids,
    formation,
    beginning: null,
  };
}

/** The other process: answers every heartbeat until its parent goes. */
async function echo(ports: Ports): Promise<void> {
  const { transport, ready } = await openEnd('echo', ports, (message) => {
    if (message.type !== 'heartbeat') return;
    const { term, round } = message;
    transport.send({ type: 'heartbeat-response', from: 'echo', to: 'caller', term, round });
  });
  process.once('disconnect', () => void transport.close());
  await ready;
  process.send?.('ready');
}

interface Result {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Keeps so many heartbeats outstanding for a while. */
function measure(transport: TcpTransport, answers: { next: (round: number) => void }, outstanding: number) {
  return new Promise<Result>((resolve) => {
    const start = performance.now();
    const sentAt: number[] = [];
    const tookMs: number[] = [];
    const send = () => {
      const round = sentAt.push(performance.now()) - 1;
      transport.send({ type: 'heartbeat', from: 'caller', to: 'echo', term: 1, commit: round, round });
    };
    answers.next = (round) => {
      const now = performance.now();
      tookMs.push(now - (sentAt[round] as number));
      if (now - start < RUN_MS) send();
      else if (tookMs.length === sentAt.length) {
        tookMs.sort((a, b) => a - b);
        const at = (share: number) => tookMs[Math.floor((tookMs.length - 1) * share)] as number;
        resolve({ perSecond: (tookMs.length / (now - start)) * 1_000, p50Ms: at(0.5), p99Ms: at(0.99) });
      }
    };
    for (let count = 0; count < outstanding; count++) send();
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function caller(): Promise<void> {
  const ports: Ports = { caller: await freePort(), echo: await freePort() };
  const answers = { next: (_round: number) => {} };
  const { transport, ready } = await openEnd('caller', ports, (message) => {
    if (message.type === 'heartbeat-response') answers.next(message.round);
  });
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), ['echo', JSON.stringify(ports)]);
  await Promise.all([once(child, 'message'), ready]);
  const rows: Record<string, Record<string, string>> = {};
  for (const outstanding of OUTSTANDING) {
    const { perSecond, p50Ms, p99Ms } = await measure(transport, answers, outstanding);
    rows[outstanding] = {
      'round trips/s': Math.round(perSecond).toLocaleString('en'),
      'p50 ms': p50Ms.toFixed(3),
      'p99 ms': p99Ms.toFixed(3),
    };
  }
  console.log('round trips between two nodes on loopback, by how many are outstanding');
  console.table(rows);
  child.disconnect();
  await Promise.all([once(child, 'exit'), transport.close()]);
}

const [, , role, ports] = process.argv;
await (role === 'echo' ? echo(JSON.parse(ports as string) as Ports) : caller());
