/** What a failing seed prints: enough for someone who has never seen the project, and no more than a person reads. */
import { describe, expect, it } from 'vitest';
import { World } from '../../packages/quorate/src/testing/simulator/index.js';
import { violationText } from '../../scripts/simulate/failure-text.mjs';
import { ENTRIES, legend } from '../../scripts/simulate/legend.mjs';
import { linesToRead, subjects } from '../../scripts/simulate/lines-to-read.mjs';

const rule = 'view goes back';
const said = `seed 5 after 700 virtual ms: ${rule}: the views never go back`;

function text(message: string, trace: readonly string[] = []): string {
  return violationText({ seed: 5, rule, message, plan: null, trace });
}

describe('a violation', () => {
  it('is its rule, a sentence, what was found, and how to see it again', () => {
    expect(text(`${said} {"client":9,"appliedIndex":32,"seen":{"index":3},"end":null}`)).toBe(
      [
        `\nVIOLATION of the rule "${rule}", at seed 5, after 700 ms of simulated time`,
        '  must hold: the views never go back',
        '  found:     client 9, applied index 32, seen {"index":3}, end null',
        '',
        'replay: npm run simulate -- --seed 5',
        '        (the same once more; it writes the whole trace to a file)',
        'add it to test/simulation/seeds.json, where failing seeds stay for ever\n',
      ].join('\n'),
    );
  });

  it('may be of an invariant of the library, be long, or come without facts', () => {
    const broken = 'seed 5 after 7 virtual ms: invariant violated: terms never go back {"term":3}';
    expect(text(broken)).toContain('  must hold: terms never go back\n  found:     term 3\n');
    expect(text(`seed 5 after 7 virtual ms: ${rule}: one {\ntwo}`)).toContain(
      '  found:     one {\n             two}\n',
    );
    expect(text('dropped')).toContain('at seed 5\n  found:     dropped\n');
  });

  it('of linearizability is what the checker found', () => {
    const message = 'seed 5 after 7 virtual ms: linearizability: k1 cannot be placed\n  ok {"events":12}';
    const shown = violationText({ seed: 5, rule: 'linearizability', message, plan: null, trace: null });
    expect(shown).toContain('  found:     k1 cannot be placed\n               ok\n  in:        events 12\n');
  });

  it('of coverage names its seed when it is of one world, and none when it is of all of them', () => {
    const message = 'seed 5 after 7 virtual ms: coverage: what was switched on has happened {"missing":["crash"]}';
    const { plan } = new World({ seed: 5 });
    const ofOne = violationText({ seed: 5, rule: 'coverage', message, plan, trace: null });
    expect(ofOne).toContain('VIOLATION of the rule "coverage", at seed 5, after 7 ms');
    expect(ofOne).toContain('replay: npm run simulate -- --seed 5\n');
    const ofAll = violationText({ seed: 500, rule: 'coverage', message: 'too rare', plan: null, trace: null });
    expect(ofAll).toBe('\nVIOLATION of the rule "coverage"\n  found:     too rare\n');
  });

  it('shows the end of the trace, where many lines of a kind in a row become two', () => {
    const burst = Array.from({ length: 50 }, (_, i) => `${i}.000 client ${i} reads k${i % 4} at n3 (local)`);
    const shown = text(said, ['0.000 n1 pause', ...burst, '60.000 n2 pause']);
    expect(shown).toContain('the last 5 lines of the trace');
    expect(shown).toContain(
      `  0.000 n1 pause\n  ${burst[0]}\n  … 48 lines like these …\n  ${burst[49]}\n  60.000 n2 pause\n`,
    );
    const all = text(said, ['1.000 n1 pause', '2.000 n2 pause', '3.000 n2 pause', '4.000 n3 pause']);
    expect(all).toContain('  1.000 n1 pause\n  2.000 n2 pause\n  3.000 n2 pause\n  4.000 n3 pause\n');
  });

  it('shows sixty lines of the end, and hides none that is to be read', () => {
    const lines = Array.from({ length: 100 }, (_, i) => `${i}.000 client ${i} reads k0 at n${1 + (i % 2)} (local)`);
    const shown = text(`${said} {"client":70}`, lines);
    expect(shown).toContain('the last 60 lines of the trace');
    expect(shown).not.toContain('\n  39.000 ');
    expect(shown).toContain('\n  40.000 ');
    expect(shown).toContain('\n* 70.000 client 70 reads k0 at n1 (local)\n');
  });
});

describe('the lines to read first', () => {
  const lines = [
    '1.000 n1 open',
    '2.000 client 3 writes k1 = 3 at n2',
    '3.000 client 3 is told by n2 that its write is applied at index 8 of term 1',
    '4.000 client 4 writes k2 = 4 at n2',
    '5.000 slow disk strikes n1',
    '6.000 partition n2>n3',
    '7.000 n1 sends n2: heartbeat term=1 commit=8 round=4',
    '8.000 n2 gets from n1: heartbeat term=1 commit=8 round=4',
    '9.000 client 7 [session 1] reads k1 at n1 (session)',
    '10.000 client 77 reads k2 at n2 (session)',
    '11.000 client 7 read k1 = null at index 5 of n1',
  ];
  const chosen = (facts: object) => linesToRead(lines, subjects(facts)).map((position) => lines[position]);

  it('are those of the client, of its key and of its node', () => {
    const [open, write, told, , disk, , sent, , read, , answer] = lines;
    expect(chosen({ client: 7 })).toEqual([open, write, told, disk, sent, read, answer]);
  });

  it('are those of a node: how it lived, what it was sent, what it told', () => {
    expect(chosen({ node: 'n3' })).toEqual([lines[5]]);
    expect(chosen({ message: 'n3>n2 heartbeat' })).toEqual([lines[2], lines[5], lines[7]]);
  });

  it('are those in which someone was told of a place in the log', () => {
    expect(chosen({ seen: { index: 8 }, floor: 5 })).toEqual([lines[2], lines[10]]);
    expect(chosen({ term: 8, index: 0, committed: null })).toEqual([]);
  });
});

describe('the words of a trace', () => {
  it('are told for the lines that are there, and for what was found', () => {
    const lines = ['1.000 n2 gets from n1: heartbeat term=1 commit=8 round=4', '2.000 n2 crash torn'];
    const told = legend({ floor: 5, events: 9 }, lines).map((line) => line.split('  ')[0]);
    expect(told).toEqual(['floor', 'term', 'round', 'crash torn']);
    expect(legend({}, [])).toEqual([]);
  });

  it('all occur in what real worlds record', async () => {
    let unseen = ENTRIES;
    for (let seed = 1; unseen.length > 0 && seed <= 30; seed += 1) {
      const world = new World({ seed, keepTrace: true });
      await world.run();
      const texts = world.trace.lines.map((line) => line.replace(/^\S+ /, ''));
      unseen = unseen.filter(({ pattern }) => !texts.some((text) => pattern.test(text)));
    }
    expect(unseen.map(({ words }) => words)).toEqual([]);
  });
});
