/** What clients of the simulator notice of a node that lies, is late, or leaves something behind. */
import { describe, expect, it } from 'vitest';
import { ConsistentRead, Timeout } from '../../../packages/quorate/src/errors/index.js';
import { ClientSession } from '../../../packages/quorate/src/testing/simulator/client-session.js';
import { fakeWorld, settle } from './fake-node.js';

const timeoutMs = 1_000;
const rule = (name: string) => expect.objectContaining({ rule: name });
const linearizable = { level: 'linearizable', timeoutMs } as const;

describe('the clients of the simulator', () => {
  it('find nothing wrong with a node that is right', async () => {
    const { operations, node, failures, counts, ledger } = fakeWorld();
    const session = new ClientSession('one');
    operations.write(node, { timeoutMs, session, abortAfterMs: 5 });
    await settle();
    operations.read(node, { ...linearizable, session });
    operations.read(node, { ...linearizable, throws: true });
    await settle();
    operations.read(node, { level: 'session', timeoutMs, session });
    operations.read(node, { level: 'local', timeoutMs });
    operations.boundThenReads(node, { timeoutMs });
    await settle();
    expect(failures).toEqual([]);
    expect(operations.open).toBe(0);
    expect(ledger.floor).toBe(1);
    for (const name of ['write acknowledged', 'read linearizable', 'read session', 'read local', 'read bound']) {
      expect(counts.get(name), name).toBeGreaterThan(0);
    }
  });

  it('notice a stale bound', async () => {
    const { operations, node, failures, behaviour, answer } = fakeWorld();
    operations.write(node, { timeoutMs });
    await settle();
    behaviour.read = async (fn, options) => answer(fn, options, 0);
    operations.read(node, linearizable);
    await settle();
    expect(failures).toContainEqual(rule('read freshness'));
  });

  it('notice a view below its bound', async () => {
    const { operations, node, failures, behaviour, answer } = fakeWorld();
    operations.write(node, { timeoutMs });
    await settle();
    behaviour.read = async (fn, options) => answer(fn, options, 1, 0);
    operations.read(node, linearizable);
    await settle();
    expect(failures).toEqual([rule('read freshness')]);
  });

  it('notice a write that is acknowledged and not committed', async () => {
    const { operations, node, failures, behaviour, commit, ledger } = fakeWorld();
    behaviour.propose = async (command) => {
      const result = commit(command);
      ledger.committed.pop();
      return result;
    };
    operations.write(node, { timeoutMs });
    await settle();
    expect(failures).toEqual([rule('client oracle')]);
  });

  it('notice an error that says nothing of the outcome', async () => {
    const { operations, node, failures, behaviour } = fakeWorld();
    behaviour.propose = async () => {
      throw new Timeout({ stage: 'commit', timeoutMs }, {});
    };
    operations.write(node, { timeoutMs });
    await settle();
    expect(failures).toEqual([rule('client oracle')]);
  });

  it('notice a deadline that passes before its time', async () => {
    const { operations, node, failures, behaviour } = fakeWorld();
    behaviour.read = async () => {
      throw new ConsistentRead(new Timeout({ stage: 'bound', timeoutMs }));
    };
    operations.read(node, linearizable);
    await settle();
    expect(failures).toEqual([rule('deadline')]);
  });

  it('notice that a node let a read wait for what it had applied', async () => {
    const { operations, node, failures, behaviour, process } = fakeWorld();
    let nowMs = 0;
    process.monotonicMs = () => nowMs;
    behaviour.read = async () => {
      nowMs += timeoutMs;
      throw new ConsistentRead(new Timeout({ stage: 'apply', timeoutMs }));
    };
    operations.write(node, { timeoutMs });
    await settle();
    operations.bounded(process, 1);
    behaviour.status = { waiting: 0, applied: 1 } as typeof behaviour.status;
    operations.read(node, linearizable);
    await settle();
    expect(failures).toEqual([rule('woken')]);
    behaviour.status = { waiting: 0, applied: 0 } as typeof behaviour.status;
    operations.read(node, linearizable);
    await settle();
    expect(failures).toHaveLength(1);
  });

  it('notice that a node lets a read wait from further behind than the read allows', async () => {
    const { operations, node, failures, behaviour } = fakeWorld();
    const session = new ClientSession('one');
    operations.write(node, { timeoutMs, session });
    await settle();
    behaviour.status = { waiting: 0, applied: 0 } as typeof behaviour.status;
    operations.read(node, { level: 'session', timeoutMs, session, maxLag: 1 });
    await settle();
    expect(failures).toEqual([]);
    operations.read(node, { level: 'session', timeoutMs, session, maxLag: 0 });
    await settle();
    expect(failures).toEqual([rule('client oracle')]);
  });

  it('notice an operation that never ends, but not while its process is held', async () => {
    const { operations, node, behaviour, queue, process } = fakeWorld();
    behaviour.read = () => new Promise(() => undefined);
    operations.read(node, linearizable);
    await queue.runUntil(5_000, () => {});
    process.heldMs = 4_000;
    operations.checkOverdue();
    process.heldMs = 0;
    expect(() => operations.checkOverdue()).toThrow(rule('deadline'));
  });

  it('notice a listener that stays on the signal', async () => {
    const { operations, node, failures, behaviour, answer } = fakeWorld();
    behaviour.read = async (fn, options) => {
      options.signal?.addEventListener('abort', () => undefined);
      return answer(fn, options, 0);
    };
    operations.read(node, { ...linearizable, abortAfterMs: 50 });
    await settle();
    expect(failures).toEqual([rule('left behind')]);
  });

  it('hear nothing more of a process that died', async () => {
    const { operations, node, failures, process, ledger } = fakeWorld();
    const write = operations.write(node, { timeoutMs });
    process.state = 'dead';
    operations.processDied(process);
    await settle();
    expect(write?.end).toEqual({ kind: 'unknown' });
    expect(operations.open).toBe(0);
    expect(ledger.floor).toBe(0);
    expect(failures).toEqual([]);
  });
});
