/**
 * How a cluster forms, who may never take part in it, and whom a member accepts afterwards. The last part looks for a
 * history of lost disks and late hellos after which one disk would act in two formations.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IdentityMismatch, InvalidArgument } from '../../packages/quorate/src/errors/index.js';
import { acceptPeer } from '../../packages/quorate/src/node/formation.js';
import { FormationAgreement } from '../../packages/quorate/src/node/formation-agreement.js';

import { type Beginning, type Formation, formationOf, type Hello } from '../../packages/quorate/src/node/identity.js';

const NAMES = ['n1', 'n2', 'n3'];

/** An empty node with its first disk. */
function empty(id: string, changes: Partial<Hello> = {}): Hello {
  return {
    version: 1,
    cluster: 'shop',
    id,
    incarnation: `${id}-disk-1`,
    bootId: 1,
    url: null,
    peers: NAMES,
    formation: null,
    beginning: null,
    ...changes,
  };
}

const wiped = (hello: Hello): Hello => ({ ...hello, incarnation: `${hello.id}-disk-2`, bootId: 2, formation: null });

const first = formationOf(
  'shop',
  NAMES.map((id) => ({ id, incarnation: `${id}-disk-1` })),
);

const formed = (id: string, formation: Formation = first): Hello => empty(id, { formation });

function refusal(own: Hello, ...received: Hello[]): string {
  const agreement = new FormationAgreement(own);
  for (const hello of received) agreement.receive(hello);
  if (agreement.state.name !== 'refused') throw new Error(`it is ${agreement.state.name}`);
  expect(agreement.state.error).toBeInstanceOf(IdentityMismatch);
  return agreement.state.error.message;
}

describe('a formation', () => {
  test('completes when all listed nodes have answered, and not before', () => {
    const agreement = new FormationAgreement(empty('n2'));
    expect(agreement.state).toEqual({ name: 'waiting', missing: ['n1', 'n3'] });
    expect(agreement.receive(empty('n3'))).toEqual({ name: 'waiting', missing: ['n1'] });
    expect(agreement.receive(empty('n3'))).toEqual({ name: 'waiting', missing: ['n1'] });
    expect(agreement.receive(empty('n1'))).toEqual({ name: 'formed', formation: first });
  });

  test('is complete at once for a single node', () => {
    const agreement = new FormationAgreement(empty('n1', { peers: ['n1'] }));
    const formation = formationOf('shop', [{ id: 'n1', incarnation: 'n1-disk-1' }]);
    expect(agreement.state).toEqual({ name: 'formed', formation });
  });

  test('is the same on every node, in whatever order they meet and however the lists are ordered', () => {
    const order = fc.shuffledSubarray(NAMES, { minLength: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...NAMES), order, order, (own, meetings, peers) => {
        const agreement = new FormationAgreement(empty(own, { peers }));
        for (const id of meetings) agreement.receive(empty(id));
        expect(agreement.state).toEqual({ name: 'formed', formation: first });
      }),
    );
  });

  test('counts the disk that a node has now, not the one it had when it first answered', () => {
    const agreement = new FormationAgreement(empty('n1'));
    agreement.receive(empty('n2'));
    agreement.receive(wiped(empty('n2')));
    const state = agreement.receive(empty('n3'));
    if (state.name !== 'formed') throw new Error(`it is ${state.name}`);
    expect(state.formation.members[1]).toEqual({ id: 'n2', incarnation: 'n2-disk-2' });
    expect(state.formation.clusterId).not.toBe(first.clusterId);
  });

  test('does not change any more once it is complete', () => {
    const agreement = new FormationAgreement(empty('n1'));
    agreement.receive(empty('n2'));
    agreement.receive(empty('n3'));
    expect(agreement.receive(wiped(empty('n3')))).toEqual({ name: 'formed', formation: first });
  });

  test('ignores nodes that are not listed, and an echo of the node itself', () => {
    const agreement = new FormationAgreement(empty('n1'));
    agreement.receive(empty('n4', { cluster: 'other', peers: ['n4'] }));
    expect(agreement.receive(wiped(empty('n1')))).toEqual({ name: 'waiting', missing: ['n2', 'n3'] });
  });

  test('is adopted from a node that completed it with us before we could store it', () => {
    const agreement = new FormationAgreement(empty('n2'));
    expect(agreement.receive(formed('n3'))).toEqual({ name: 'formed', formation: first });
  });

  test('is adopted although another node has lost its disk meanwhile', () => {
    const agreement = new FormationAgreement(empty('n2'));
    agreement.receive(wiped(empty('n1')));
    expect(agreement.receive(formed('n3'))).toEqual({ name: 'formed', formation: first });
  });

  test('has a cluster id that depends on the cluster name, every name and every disk', () => {
    const members = first.members;
    const ids = [
      first,
      formationOf('shop2', members),
      formationOf('shop', members.slice(1)),
      formationOf('shop', [...members.slice(1), { id: 'n1', incarnation: 'n1-disk-2' }]),
      formationOf('shop', [...members.slice(1), { id: 'n1-', incarnation: 'disk-1' }]),
    ].map((formation) => formation.clusterId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(first.clusterId).toMatch(/^[0-9a-f]{64}$/);
  });

  test('needs a list of different names with the node itself on it', () => {
    expect(() => new FormationAgreement(empty('n4'))).toThrow(InvalidArgument);
    expect(() => new FormationAgreement(empty('n1', { peers: ['n1', 'n1', 'n2'] }))).toThrow(
      'peers must be a list of different names, n1 among them, received "n1, n1, n2"',
    );
    expect(() => new FormationAgreement(formed('n1'))).toThrow('formation must be null before the formation');
  });
});

const backup: Beginning = { index: 7, term: 2, timestampMs: 5, checksum: 'a'.repeat(64) };

describe('a formation of restored directories', () => {
  const restored = (id: string) => empty(id, { beginning: backup });

  test('completes when all of them were restored from the same file, with a cluster id of its own', () => {
    const agreement = new FormationAgreement(restored('n2'));
    agreement.receive(restored('n1'));
    const state = agreement.receive(restored('n3'));
    expect(state).toEqual({ name: 'formed', formation: formationOf('shop', first.members, backup) });
    const ids = [null, backup, { ...backup, checksum: 'b' }].map(
      (beginning) => formationOf('shop', first.members, beginning).clusterId,
    );
    expect(new Set(ids).size).toBe(3);
    expect(ids[0]).toBe(first.clusterId);
  });

  test('is adopted from a node that completed it with us before we could store it', () => {
    const formation = formationOf('shop', first.members, backup);
    const state = new FormationAgreement(restored('n2')).receive({ ...restored('n3'), formation });
    expect(state).toEqual({ name: 'formed', formation });
  });

  test('is refused by a node of the cluster that the backup was taken from, and refuses it', () => {
    const formation = formationOf(
      'shop',
      first.members.map(({ id }) => ({ id, incarnation: `${id}-new` })),
      backup,
    );
    const own = { ...restored('n1'), incarnation: 'n1-new', formation };
    expect(acceptPeer(own, formed('n2'))).toContain('n2 belongs to another cluster');
    expect(acceptPeer(formed('n2'), own)).toContain('n1 belongs to another cluster');
    expect(refusal({ ...restored('n1'), incarnation: 'n1-new' }, formed('n2'))).toContain(
      'n1 is known with another disk',
    );
  });
});

describe('a formation is refused', () => {
  test('to a node whose disk is not the one that the cluster was formed with', () => {
    expect(refusal(wiped(empty('n2')), formed('n1'))).toContain(
      'n2 is known with another disk; remove it and join under a new name',
    );
  });

  test('to that node even when all others still seem to be empty', () => {
    expect(refusal(wiped(empty('n2')), empty('n1'), formed('n3'))).toContain('n2 is known with another disk');
  });

  test('to a node that the formed cluster does not know', () => {
    const own = empty('n4', { peers: ['n1', 'n2', 'n3', 'n4'] });
    expect(refusal(own, formed('n1'))).toBe(
      'n4 is not a member of the cluster that n1 has formed with n1, n2, n3: ' +
        'let it join that cluster as a new member, or correct its list of peers',
    );
  });

  test('when the peer is the stranger: it holds a formation that names another disk of its own', () => {
    expect(refusal(empty('n2'), { ...formed('n1'), incarnation: 'n1-disk-9' })).toContain(
      'n1 is known with another disk; remove it and join under a new name',
    );
  });

  test('when a formation does not match its own cluster id', () => {
    const damaged = { ...first, clusterId: 'f'.repeat(64) };
    expect(refusal(empty('n2'), formed('n1', damaged))).toContain('check the data directory of n1');
  });

  test('when the lists differ, naming both', () => {
    expect(refusal(empty('n1'), empty('n2', { peers: ['n1', 'n2'] }))).toBe(
      'the lists of peers differ: n1 has n1, n2, n3, n2 has n1, n2; start every node with the same list',
    );
    expect(refusal(empty('n1'), empty('n2', { peers: ['n2', 'n3', 'n4'] }))).toContain('n2 has n2, n3, n4');
  });

  test('when the list was changed between the crash and the adoption', () => {
    const own = empty('n1', { peers: [...NAMES, 'n4'] });
    expect(refusal(own, formed('n2'))).toContain('n1 has n1, n2, n3, n4, n2 has n1, n2, n3');
  });

  test('when one directory was restored and another is empty: it could outvote those that have the state', () => {
    const restored = empty('n1', { beginning: backup });
    const sentence =
      'n1 was restored from a snapshot at index 7 (SHA-256 aaaaaaaaaaaa) and n2 is empty: ' +
      'restore the same file into a new directory for each of the nodes';
    expect(refusal(restored, empty('n2'))).toBe(sentence);
    expect(refusal(empty('n2'), restored)).toContain('n2 is empty and n1 was restored');
    const formedBeginning = formationOf('shop', first.members, backup);
    expect(refusal(empty('n2'), { ...formed('n1', formedBeginning), beginning: backup })).toContain('n2 is empty');
  });

  test.each([{ index: 8 }, { term: 3 }, { timestampMs: 6 }, { checksum: 'b'.repeat(64) }])(
    'when two directories were restored from different files (%o)',
    (other) => {
      const restored = empty('n2', { beginning: { ...backup, ...other } });
      expect(refusal(empty('n1', { beginning: backup }), restored)).toContain('restore the same file');
    },
  );

  test('when the cluster names differ, formed or not, naming both', () => {
    const expected =
      'n2 belongs to cluster "staging" and n1 is started for "shop": ' +
      'give every node the same cluster name, or correct the address of n2';
    expect(refusal(empty('n1'), empty('n2', { cluster: 'staging' }))).toBe(expected);
    expect(refusal(empty('n1'), formed('n2', formationOf('staging', first.members)))).toBe(expected);
  });

  test('for good', () => {
    const agreement = new FormationAgreement(empty('n1'));
    agreement.receive(empty('n2', { cluster: 'staging' }));
    agreement.receive(empty('n2'));
    expect(agreement.receive(empty('n3')).name).toBe('refused');
  });
});

describe('a formed node accepts', () => {
  const own = formed('n1');
  const staging = formationOf(
    'shop',
    NAMES.map((id) => ({ id, incarnation: `${id}-staging` })),
  );

  test('a member of the same formation with the disk it was formed with', () => {
    expect(acceptPeer(own, formed('n2'))).toBeNull();
    expect(acceptPeer(own, { ...formed('n2'), bootId: 77, url: 'http://x', peers: ['n2', 'n1'] })).toBeNull();
  });

  test('nobody of another cluster with the same names', () => {
    const stranger = { ...formed('n2', staging), incarnation: 'n2-staging' };
    expect(acceptPeer(own, stranger)).toMatch(
      /^n2 belongs to another cluster: "shop" with id [0-9a-f]{12}, n1 to "shop"/,
    );
  });

  test('no wiped disk, and says so in the words of the design', () => {
    expect(acceptPeer(own, wiped(empty('n2')))).toBe(
      'n2 is known with another disk; remove it and join under a new name',
    );
    expect(acceptPeer(own, { ...formed('n2'), incarnation: 'n2-disk-2' })).toContain('n2 is known with another disk');
  });

  test('no member that has yet to store the formation, and nobody before its own', () => {
    expect(acceptPeer(own, empty('n2'))).toBe('n2 has not completed its formation');
    expect(acceptPeer(empty('n1'), formed('n2'))).toBe('n1 has not completed its formation');
    expect(acceptPeer(empty('n1'), empty('n2'))).toBe('n1 has not completed its formation');
  });

  test('nobody that is not a member', () => {
    expect(acceptPeer(own, formed('n4'))).toBe('n4 is not a member of the cluster of n1');
  });
});

/** A model of disks that are wiped and hellos that come late: whatever happens, no disk acts in two formations. */
describe('whatever is lost, late or wiped while a cluster forms', () => {
  const step = fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({ type: fc.constant('tell' as const), from: fc.nat(2), to: fc.nat(2), age: fc.nat(2) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ type: fc.constant('restart' as const), node: fc.nat(2), stored: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('wipe' as const), node: fc.nat(2) }) },
  );

  class Node {
    disk = 1;
    hello: Hello;
    agreement: FormationAgreement;
    /** All that it ever said, newest first. */
    said: Hello[];

    constructor(id: string) {
      this.hello = empty(id);
      this.agreement = new FormationAgreement(this.hello);
      this.said = [this.hello];
    }

    say(hello: Hello): void {
      this.hello = hello;
      this.said.unshift(hello);
    }

    receive(hello: Hello): void {
      if (this.hello.formation === null) this.agreement.receive(hello);
    }

    wipe(): void {
      this.disk += 1;
      this.say(empty(this.hello.id, { incarnation: `${this.hello.id}-disk-${this.disk}` }));
      this.agreement = new FormationAgreement(this.hello);
    }

    /** `stored`: the formation had become durable before. */
    restart(stored: boolean): void {
      const { state } = this.agreement;
      if (this.hello.formation !== null) return;
      if (stored && state.name === 'formed') this.say({ ...this.hello, formation: state.formation });
      else this.agreement = new FormationAgreement(this.hello);
    }
  }

  test('two disks accept each other only within one formation, and at most one formation has a majority', () => {
    let majoritiesSeen = 0;
    let splitsSeen = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 40, maxLength: 80 }), (steps) => {
        const nodes = NAMES.map((id) => new Node(id));
        const at = (place: number) => nodes[place] as Node;
        for (const event of steps) {
          if (event.type === 'wipe') at(event.node).wipe();
          else if (event.type === 'restart') at(event.node).restart(event.stored);
          else {
            const { said } = at(event.from);
            at(event.to).receive(said[Math.min(event.age, said.length - 1)] as Hello);
          }
        }
        const majorities = new Set<string>();
        for (const a of nodes) {
          const friends = nodes.filter((b) => b !== a && acceptPeer(a.hello, b.hello) === null);
          for (const b of friends) {
            expect(acceptPeer(b.hello, a.hello)).toBeNull();
            expect(b.hello.formation).toEqual(a.hello.formation);
            expect(a.hello.formation?.members).toContainEqual({ id: b.hello.id, incarnation: b.hello.incarnation });
          }
          if (friends.length > 0) majorities.add(a.hello.formation?.clusterId ?? 'none');
        }
        expect(majorities.size).toBeLessThanOrEqual(1);
        majoritiesSeen += majorities.size;
        const ids = nodes.flatMap((node) => node.hello.formation?.clusterId ?? []);
        if (new Set(ids).size > 1) splitsSeen += 1;
      }),
      { numRuns: 2_000 },
    );
    expect(majoritiesSeen).toBeGreaterThan(50);
    expect(splitsSeen).toBeGreaterThan(50);
  });
});
