/** What only the leader does, on a group of real nodes. */
import { describe, expect, it } from 'vitest';
import type { LeaderActivity } from '../../../packages/quorate/src/index.js';
import { type MapNode, RaftGroup } from '../../support/raft-group.js';
import { eventually } from '../../support/wait.js';

/** Writes under the fence of its term as soon as it starts, and keeps a list of what happened where. */
function recorder(node: MapNode, happened: string[]): LeaderActivity {
  const { id } = node.status();
  return {
    start: async ({ term, signal }) => {
      happened.push(`start ${id} ${term}`);
      signal.addEventListener('abort', () => happened.push(`abort ${id} ${term}`));
      await node.propose({ key: 'leader', value: `${id} ${term}` }, { ifTerm: term, signal });
      happened.push(`wrote ${id} ${term}`);
    },
    stop: () => {
      happened.push(`stop ${id}`);
    },
  };
}

describe('runOnLeader', () => {
  it('starts on the leader only, under its term, and moves with the leadership', async () => {
    await using group = await RaftGroup.start();
    const happened: string[] = [];
    const first = await group.leader();
    const { id, term } = first.status();
    for (const node of group.nodes.values()) node.runOnLeader(recorder(node, happened));
    await eventually('the first write', () => happened.includes(`wrote ${id} ${term}`) || null);
    expect(happened).toEqual([`start ${id} ${term}`, `wrote ${id} ${term}`]);
    await first.transferLeadership();
    await eventually('the end of the first', () => happened.includes(`stop ${id}`) || null);
    const next = await group.leader();
    const now = next.status();
    await eventually('the second write', () => happened.includes(`wrote ${now.id} ${now.term}`) || null);
    const read = await next.read((state) => state.get('leader') ?? null);
    expect(read.value).toBe(`${now.id} ${now.term}`);
    const late = first.propose({ key: 'leader', value: 'late' }, { ifTerm: term });
    await expect(late).rejects.toMatchObject({ code: 'TermChanged', outcome: 'not-applied' });
  });

  it('ends with its node, and when it is told to', async () => {
    await using group = await RaftGroup.start(1);
    const happened: string[] = [];
    const node = await group.leader();
    const end = node.runOnLeader(recorder(node, happened));
    await eventually('the write', () => happened.some((line) => line.startsWith('wrote')) || null);
    await end();
    expect(happened.slice(2)).toEqual([`abort n1 ${node.status().term}`, 'stop n1']);
    node.runOnLeader(recorder(node, happened));
    await eventually(
      'the second write',
      () => happened.filter((line) => line.startsWith('wrote')).length === 2 || null,
    );
    await group.close('n1');
    await eventually('the second end', () => happened.filter((line) => line === 'stop n1').length === 2 || null);
  });
});
