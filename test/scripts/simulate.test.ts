/** `npm run simulate` as a person at a shell meets it: with worlds made up for the test, and with the real ones. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { availableLevel, type Level } from '../../packages/quorate/src/reads/levels.js';
import { judge } from '../../scripts/simulate/judge.mjs';
import { countOperations, readLevels } from '../../scripts/simulate/operations.mjs';
import { planText } from '../../scripts/simulate/plan-text.mjs';
import { root } from '../tidy/repository.js';

/** A simulator whose worlds are as long as they are dull; `misdeed` is what a run does, by `seed` and `kept`. */
const simulator = (misdeed: string) => `
  let runs = 0;
  export class SimulationFailure extends Error {
    constructor(seed: number, trace: string[], cause: Error) {
      super('seed ' + seed + ' after 10 virtual ms: ' + cause.message, { cause });
      this.name = 'SimulationFailure'; this.seed = seed; this.plan = plan; this.trace = trace;
    }
  }
  export class Violation extends Error {
    constructor(rule: string, message: string) { super(message); this.rule = rule; this.name = 'Violation'; }
  }
  const network = { delayMs: { min: 1, max: 5 }, loss: 0.1 };
  const plan = { voters: 3, joint: false, network, faults: { crash: 500, slowDisk: null } };
  export class World {
    trace = { lines: [] as string[] };
    constructor({ seed, keepTrace }: { seed: number; keepTrace: boolean }) { this.seed = seed; this.kept = keepTrace; }
    async run() {
      const { seed, kept } = this;
      runs += 1;
      const fail = (cause: Error) => { throw new SimulationFailure(seed, this.trace.lines, cause); };
      for (let line = kept ? 1 : 21; line <= 100; line += 1) this.trace.lines.push('line ' + line);
      const counts = new Map([['election', 2], ['crash', 0], ['read linearizable', 5], ['write acknowledged', 3]]);
      const report = { plan, hash: 'h' + seed, counts, virtualMs: 3_600_000, events: 1_000 };
      ${misdeed}
      return report;
    }
  }`;

const violates = "if (seed === 3) fail(new Violation('read freshness', 'a stale read'));";

let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'quorate-simulate-test-'));
  cpSync(join(root, 'scripts'), join(project, 'scripts'), { recursive: true });
  mkdirSync(join(project, 'packages/quorate/src/testing/simulator'), { recursive: true });
  mkdirSync(join(project, 'tmp'));
  // A folder of its own with a link to one package: through a link to the whole, npm would empty the repository's.
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(join(root, 'node_modules/typescript'), join(project, 'node_modules/typescript'));
  writeFileSync(join(project, 'node_modules/.package-lock.json'), '{ "packages": {} }');
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(project, 'package-lock.json'), '{ "packages": {} }');
});
afterAll(() => rmSync(project, { recursive: true }));

function command(misdeed: string, args: readonly string[]) {
  writeFileSync(join(project, 'packages/quorate/src/testing/simulator/index.ts'), simulator(misdeed));
  const env = { ...process.env, TMPDIR: join(project, 'tmp') };
  return { args: [join(project, 'scripts/simulate.mjs'), ...args], options: { cwd: project, env } };
}

function simulate(misdeed: string, ...args: readonly string[]) {
  const { args: all, options } = command(misdeed, args);
  return spawnSync(process.execPath, all, { ...options, encoding: 'utf8' });
}

function json(misdeed: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = simulate(misdeed, ...args, '--json');
  expect(stdout, stderr).toMatch(/^\{.*\}\n$/);
  return { status, result: JSON.parse(stdout), stderr };
}

describe('a run of the simulator', () => {
  it('passes when no rule is broken, and prints what it has done', () => {
    const { status, stdout } = simulate('', '--seeds', '4');
    const figures = stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, ': ').replace(/^: /, '- '));
    expect(figures.slice(0, figures.indexOf(''))).toEqual([
      ...['seeds: 4 (1 to 4)', 'simulated hours: 4.00'],
      expect.stringMatching(/^simulated time per real time: \d+, in \d+\.\d s$/),
      expect.stringMatching(/^events: 4,000 \([\d,]+ per second of real time\)$/),
      ...['operations: 32', '- writes: 12', '- reads: 20', '- bounds: 0'],
      ...['reads by level', '- linearizable: 20', '- session: 0', '- local: 0', '- on a bound given before: 0'],
      ...['elections: 8', 'crashes: 0', 'partitions: 0', 'violations: 0'],
      expect.stringMatching(/^hash of all traces: [0-9a-f]{16}$/),
    ]);
    expect(stdout).toMatch(/\n\nno violation in 4 seeds\n$/);
    expect(status).toBe(0);
  });

  it('prints one line of JSON for programs, and everything else elsewhere', () => {
    const { status, result, stderr } = json("console.log('noise');", '--seeds', '4', '--from', '10');
    expect(result).toEqual({
      ...{ ok: true, seeds: 4, from: 10, simulatedHours: 4, violations: [] },
      counts: { crash: 0, election: 8, 'read linearizable': 20, 'write acknowledged': 12 },
      ...{ events: 4_000, speedup: expect.any(Number), seconds: expect.any(Number) },
      hash: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(stderr).toContain('noise');
    expect(stderr).toMatch(/^seeds +4 \(10 to 13\)$/m);
    expect(status).toBe(0);
  });

  it('prints a hash of all traces: the same for the same seeds, and another for others', () => {
    const hash = (...args: string[]) => json('', ...args).result.hash;
    expect(hash('--seeds', '2')).toBe(hash('--seeds', '2'));
    expect(hash('--seeds', '2')).not.toBe(hash('--seeds', '2', '--from', '2'));
  });

  it('stops at the first violation, and says what broke, where, and how to see it again', () => {
    const { status, stdout } = simulate(violates);
    expect(stdout).toContain('VIOLATION of the rule "read freshness", at seed 3, after 10 ms of simulated time\n');
    expect(stdout).toContain('  found:     a stale read\n');
    expect(stdout).toContain(
      'voters 3, begins in a joint configuration no\n  network: delay 1 to 5 ms, loss 10 %\n' +
        '  faults: crash about every 500 ms',
    );
    expect(stdout).toContain('  line 1\n  … 98 lines like these …\n  line 100\n');
    expect(stdout).toContain('replay: npm run simulate -- --seed 3\n');
    expect(stdout).toContain('add it to test/simulation/seeds.json');
    expect(stdout).toMatch(/^seeds +3 \(1 to 3\)$/m);
    expect(status).toBe(1);
  });

  it('goes on after a violation when told so', () => {
    const misdeed = `${violates} if (seed === 5) fail(new Violation('log matching', 'no'));`;
    const { status, result } = json(misdeed, '--seeds', '6', '--keep-going');
    const violations = [
      { seed: 3, rule: 'read freshness', message: 'seed 3 after 10 virtual ms: a stale read' },
      { seed: 5, rule: 'log matching', message: 'seed 5 after 10 virtual ms: no' },
    ];
    expect(result).toMatchObject({ ok: false, seeds: 6, violations });
    expect(status).toBe(1);
  });

  it.each([
    ['in the world', "if (seed === 2) fail(new TypeError('no'));"],
    ['that nobody handled', "if (seed === 2) void Promise.reject(new TypeError('no'));"],
  ])('runs the seed of a crash %s again, for its stack', (_where, misdeed) => {
    const { status, stdout } = simulate(misdeed, '--seeds', '5');
    expect(stdout).toMatch(/^TypeError: no\n +at World\.run \(.*simulator\/index\.ts:\d+:\d+\)$/m);
    expect(stdout).toMatch(/\n\nno violation in 2 seeds, and the simulator crashed\n/);
    expect(status).toBe(70);
  });

  it('says of a crash that it did not come again', () => {
    const { status, result } = json("if (runs === 2) fail(new TypeError('no'));", '--seeds', '5');
    expect(result.crash).toEqual({ seed: 2, name: 'TypeError', message: 'no (but not when the seed was run again)' });
    expect(status).toBe(70);
  });

  it('makes no stacks of errors, which take time, unless one seed is replayed', () => {
    const misdeed = "if (new Error('').stack !== 'Error') fail(new TypeError('a stack'));";
    expect(json(misdeed, '--seeds', '3').status).toBe(0);
    expect(json(misdeed, '--seed', '3').status).toBe(70);
  });

  it('shows of a violation the lines of the whole trace that it is about', () => {
    const misdeed = `
      if (kept) this.trace.lines.unshift('1.000 client 7 reads k1 at n2 (local)');
      fail(new Violation('read freshness', 'read freshness: fresh {"client":7}'));`;
    const { stdout } = simulate(misdeed);
    expect(stdout).toContain('  must hold: fresh\n  found:     client 7\n');
    expect(stdout).toMatch(/the lines to read first, on client 7 .*\n {2}1\.000 client 7 reads k1 at n2 \(local\)\n/);
  });

  it('says of a violation that it did not come again', () => {
    const { result } = json("if (runs === 2) fail(new Violation('log matching', 'no'));");
    expect(result.violations).toMatchObject([{ rule: 'log matching' }, { rule: 'determinism', seed: 2 }]);
  });

  it.each([
    ['a mistake of a program in the world', "fail(new TypeError('x is not a function'));", 'TypeError'],
    ['a mistake of a program around it', "throw new RangeError('no');", 'RangeError'],
    ['something thrown that is no error', "fail('text' as any);", 'thrown'],
    ['a run that never ends', 'await new Promise(() => {});', 'Error'],
  ])('calls %s a crash, never a finding', (_what, misdeed, name) => {
    const { status, result } = json(misdeed, '--seeds', '3');
    expect(result).toMatchObject({ ok: false, violations: [], crash: { seed: 1, name } });
    expect(status).toBe(70);
  });

  it('calls a simulator that does not load a crash', () => {
    const { status, result } = json('}}', '--seeds', '3');
    expect(result).toMatchObject({ ok: false, seeds: 0, violations: [], crash: { seed: 1 } });
    expect(status).toBe(70);
  });

  it('takes a rejection that nobody handles for the fault of its seed', () => {
    const misdeed = "if (seed === 2) void Promise.reject(new Violation('no failure', 'dropped'));";
    const { status, result } = json(misdeed, '--seeds', '5');
    expect(result.violations).toEqual([{ seed: 2, rule: 'no failure', message: 'dropped' }]);
    expect(status).toBe(1);
  });

  it('runs every fiftieth seed again, and shows where a second run parts from the first', () => {
    const misdeed = "report.hash += seed === 50 ? runs : ''; this.trace.lines[60] += seed === 50 ? ' ' + runs : '';";
    const { status, result, stderr } = json(misdeed, '--seeds', '60');
    expect(result.violations).toEqual([
      { seed: 50, rule: 'determinism', message: 'seed 50 ran in two ways: hash h5050; hash h5051' },
    ]);
    expect(stderr).toContain('  line 60\n  one:   line 61 52\n  other: line 61 53\n');
    expect(status).toBe(1);
  });

  it('is no pass when what is to happen does not, in a hundred seeds', () => {
    const { status, result } = json('', '--seeds', '100');
    expect(result.violations).toMatchObject([{ seed: 100, rule: 'coverage' }]);
    expect(result.violations[0].message).toContain('crash: 0, at least ');
    expect(result.violations[0].message).toContain('crash: 0, though plans have it');
    expect(status).toBe(1);
    expect(json('', '--seeds', '99').status).toBe(0);
  });

  it('fits as many seeds as it can into the minutes it was given', () => {
    const { status, result } = json('', '--minutes', '0.002');
    expect(result.ok || result.violations[0].rule === 'coverage').toBe(true);
    expect(result.seeds).toBeGreaterThan(1);
    expect(status).toBe(result.ok ? 0 : 1);
    expect(json('', '--minutes', '1', '--seeds', '3').result.seeds).toBe(3);
  });

  it('ends early when it is interrupted, and is no pass', async () => {
    const { args, options } = command("if (seed === 2) { process.kill(process.pid, 'SIGINT'); }", ['--seeds', '90']);
    const child = spawn(process.execPath, args, { ...options, stdio: 'ignore' });
    expect(await once(child, 'close')).toEqual([130, null]);
  });
});

describe('the replay of one seed', () => {
  it('passes when both runs are the same', () => {
    const { status, result } = json('', '--seed', '7');
    expect(result).toMatchObject({ ok: true, seeds: 1, from: 7 });
    expect(status).toBe(0);
  });

  it('writes the whole trace of a failure to a file', () => {
    const { status, stdout } = simulate(violates, '--seed', '3');
    const file = /the whole trace: (.*)/.exec(stdout)?.[1] ?? '';
    expect(readFileSync(file, 'utf8')).toMatch(/^line 1\nline 2\n(.+\n)+line 100\n$/);
    expect(status).toBe(1);
  });

  it('is a violation when the second run is another', () => {
    const { status, result, stderr } = json("if (runs > 1) report.hash = 'other';", '--seed', '7');
    expect(result.violations).toMatchObject([{ seed: 7, rule: 'determinism' }]);
    expect(stderr.match(/the whole trace: /g)).toHaveLength(2);
    expect(status).toBe(1);
  });

  it('shows both the violation and that it comes and goes', () => {
    const { result } = json(`if (runs === 1) { ${violates} }`, '--seed', '3');
    expect(result.violations).toMatchObject([{ rule: 'read freshness' }, { rule: 'determinism' }]);
  });
});

describe('wrong use', () => {
  it.each([
    ['--sed', ['--sed', '3'], 'unknown option --sed'],
    ['no seeds', ['--seeds', '0'], '--seeds must be above 0'],
    ['no time', ['--minutes', '0'], '--minutes must be above 0'],
    ['half a seed', ['--seed', '1.5'], '--seed must be a whole number, received 1.5'],
    ['a seed that is no number', ['--seed', 'x'], '--seed must be a number'],
    ['a missing value', ['--from'], '--from needs a value'],
    ['seeds beyond whole numbers', ['--from', '9007199254740991'], 'leaves no room'],
    ['one seed and many', ['--seed', '1', '--seeds', '3'], 'goes not with --seeds'],
  ])('is refused with exit code 2: %s', (_what, args, message) => {
    const { status, stdout, stderr } = simulate('', ...args);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});

describe('what an error means', () => {
  const named = (name: string, message = '') => Object.assign(new Error(message), { name });
  const ruleOf = (cause: Error) => {
    const failure = Object.assign(named('SimulationFailure'), { cause, plan: {}, trace: [] });
    return judge(failure, 1).violation?.rule ?? null;
  };

  it('is the invariant without its values, or the name of a typed error', () => {
    const message = 'invariant violated: terms never go back {"term":3}';
    expect(ruleOf(named('InvariantViolation', message))).toBe('invariant: terms never go back');
    expect(ruleOf(named('CorruptLog'))).toBe('CorruptLog');
    expect(ruleOf(named('Error'))).toBeNull();
  });
});

it('counts each operation of a client once, by its end', () => {
  const cores = { read: 7, 'read refused: no-leader': 3, proposal: 5, 'proposal acknowledged': 4 };
  expect(countOperations(Object.entries(cores))).toEqual({ writes: 0, reads: 0, bounds: 0 });
  const writes = { 'write acknowledged': 1, 'write unknown: Timeout': 2, 'write lost with its process': 3 };
  const reads = { 'read linearizable': 10, 'read bound': 20, 'read refused: NotLeader': 40 };
  const bounds = { bound: 100, 'bound refused: Timeout': 200 };
  const nodes = { ...cores, ...writes, ...reads, ...bounds };
  expect(countOperations(Object.entries(nodes))).toEqual({ writes: 6, reads: 70, bounds: 300 });
});

it('has a row for every level at which reads are served', () => {
  for (const level of ['linearizable', 'lease', 'bounded', 'session', 'local'] satisfies Level[]) {
    const isServed = () => availableLevel(level) === level;
    if (readLevels.includes(level)) expect(isServed()).toBe(true);
    else expect(isServed).toThrow('is not there yet');
  }
});

describe('a plan in words', () => {
  it('has a line for each part, ranges and times with their unit, and only the faults that are on', () => {
    const plan = {
      voters: 3,
      tickMs: 50,
      disk: { delayMs: { min: 0, max: 0 }, isFull: true, sizes: [1, 5], share: 0.07 },
      faults: { slowDisk: 9, hold: null },
    };
    expect(planText(plan)).toBe(
      '  voters 3, tick 50 ms\n  disk: delay 0 ms, is full yes, sizes 1 or 5, share 7 %\n' +
        '  faults: slow disk about every 9 ms',
    );
    expect(planText({ voters: 1, faults: { hold: null } })).toContain('faults: none');
  });
});

it('runs the real worlds, which pass', () => {
  const args = [join(root, 'scripts/simulate.mjs'), '--seeds', '2', '--json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  const { ok, seeds, simulatedHours, counts } = JSON.parse(stdout);
  expect({ ok, seeds }).toEqual({ ok: true, seeds: 2 });
  expect(simulatedHours).toBeGreaterThan(0);
  expect(counts.election).toBeGreaterThan(0);
});
