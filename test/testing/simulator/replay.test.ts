/** What the replay at the end of a run finds that no single answer shows. */
import { describe, expect, it } from 'vitest';
import { TermChanged } from '../../../packages/quorate/src/errors/index.js';
import { historyOf } from '../../../packages/quorate/src/testing/simulator/client-history.js';
import { checkReplay } from '../../../packages/quorate/src/testing/simulator/replay.js';
import { fakeWorld, settle } from './fake-node.js';

const timeoutMs = 1_000;
const linearizable = { level: 'linearizable', timeoutMs } as const;

async function run(prepare: (world: ReturnType<typeof fakeWorld>) => void = () => undefined) {
  const world = fakeWorld();
  prepare(world);
  const { operations, node } = world;
  for (let round = 0; round < 10; round += 1) {
    operations.write(node, { timeoutMs, ifTerm: round === 3 ? 1 : undefined });
    await settle();
    operations.read(node, linearizable);
    operations.read(node, { level: 'local', timeoutMs });
    await settle();
  }
  expect(world.failures).toEqual([]);
  const { application, ledger } = world;
  const check = () => checkReplay({ application, ledger, operations: operations.all, stepLimit: 100_000 });
  return { ...world, check };
}

describe('the replay of a run', () => {
  it('finds nothing wrong with a run that is right', async () => {
    const { check, application, operations } = await run();
    check();
    expect(historyOf(application, operations.all)).toHaveLength(40);
  });

  it('finds a value that was not there at the index of the view', async () => {
    const { check, operations } = await run();
    const read = operations.all.find(({ kind, end }) => kind === 'read' && end.kind === 'answered');
    Object.assign(read?.end ?? {}, { value: 4_711 });
    expect(check).toThrow(expect.objectContaining({ rule: 'replay' }));
  });

  it('finds a result that is not that of the place in the log', async () => {
    const { check, operations } = await run();
    const write = operations.all.findLast(({ kind }) => kind === 'write');
    Object.assign(write?.end ?? {}, { result: { held: true, previous: 4_711 } });
    expect(check).toThrow(expect.objectContaining({ rule: 'replay' }));
  });

  it('finds a write that was called not applied in the log', async () => {
    const { check } = await run(({ behaviour, commit }) => {
      behaviour.propose = async (command, call) => {
        const answer = commit(command);
        if ((call as { ifTerm?: number }).ifTerm === 1) throw new TermChanged({ expected: 1, actual: 2 });
        return answer;
      };
    });
    expect(check).toThrow(expect.objectContaining({ rule: 'not applied' }));
  });

  it('finds a command that is in the log twice, and one that nobody made', async () => {
    const twice = await run();
    const [first] = twice.ledger.committed;
    if (first !== undefined) twice.ledger.committed.push({ ...first, index: 11 });
    expect(twice.check).toThrow(expect.objectContaining({ rule: 'applied twice' }));
    const phantom = await run();
    const entry = phantom.ledger.committed.at(-1);
    entry?.data.fill(9, 4);
    expect(phantom.check).toThrow(expect.objectContaining({ rule: 'phantom value' }));
  });

  it('finds an acknowledged write that the log lost', async () => {
    const { check, ledger } = await run();
    ledger.committed.pop();
    expect(check).toThrow(expect.objectContaining({ rule: 'lost write' }));
  });

  it('finds a history that no order explains', async () => {
    const { check, operations } = await run();
    const reads = operations.all.filter(({ kind, level, end }: { kind: string; level?: string; end: object }) => {
      return kind === 'read' && level === 'linearizable' && end !== null;
    });
    // The last read claims to be a view of the first write: the replay agrees, the order of the calls does not.
    Object.assign(reads.at(-1)?.end ?? {}, reads[0]?.end);
    expect(check).toThrow(expect.objectContaining({ rule: 'linearizability' }));
  });
});
