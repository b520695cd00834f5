/**
 * The format of the scenarios, and the runner's own ability to fail: a file that cannot be read, a command that is not
 * known, an output that differs.
 */
import { describe, expect, it } from 'vitest';
import { parseDataFile, renderDataFile } from './support/data-driven.js';
import { runDirectives, runScenario } from './support/run-scenario.js';

const text = `# A comment.

# Another one.
first 1 x=(1,2) y=z \\
  last
input
----
output
second line

second
----
----
with

blanks
----
----

third
----
`;

describe('a data-driven file', () => {
  it('has commands with arguments, input and output, and a line for each', () => {
    expect(parseDataFile(text).directives).toEqual([
      {
        line: 4,
        command: 'first',
        args: [
          { key: '1', values: [] },
          { key: 'x', values: ['1', '2'] },
          { key: 'y', values: ['z'] },
          { key: 'last', values: [] },
        ],
        input: ['input'],
        expected: ['output', 'second line'],
      },
      { line: 11, command: 'second', args: [], input: [], expected: ['with', '', 'blanks'] },
      { line: 20, command: 'third', args: [], input: [], expected: [] },
    ]);
  });

  it('is written as it was read, but for the outputs', () => {
    const file = parseDataFile(text);
    const { directives } = file;
    expect(
      renderDataFile(
        file,
        directives.map(({ expected }) => expected),
      ),
    ).toBe(text);
    const changed = renderDataFile(file, [['a', '', 'b'], ['c'], []]);
    expect(parseDataFile(changed).directives.map(({ expected }) => expected)).toEqual([['a', '', 'b'], ['c'], []]);
    expect(changed).toContain(
      '# Another one.\nfirst 1 x=(1,2) y=z \\\n  last\ninput\n----\n----\na\n\nb\n----\n----\n',
    );
  });

  it.each([
    ['a command without a separator', 'one\n\ntwo\n----\n', /line 1: no ----/],
    ['a command at the end without one', 'one', /line 1: no ----/],
    ['an output that is never closed', 'one\n----\n----\nx\n', /ends with ---- twice/],
    ['text right behind a closed output', 'one\n----\n----\nx\n----\n----\ntwo\n', /line 7: not a blank line/],
    ['a parenthesis that is open', 'one x=(1\n----\n', /cannot read the argument/],
    ['arguments and no command', 'x=1\n----\n', /no command/],
  ])('is refused with %s', (_what, bad, fault) => {
    expect(() => parseDataFile(bad)).toThrow(fault);
  });
});

describe('the runner', () => {
  const outcomes = (scenario: string) => runScenario(parseDataFile(scenario));

  it('tells which command printed something else than expected', () => {
    const one = 'add-nodes 1 voters=(1)\n----\nok\n\nraft-state\n----\n1: StateLeader (Voter) Term:0 Lead:1\n';
    expect(outcomes(one).map(({ passed }) => passed)).toEqual([true, false]);
    expect(outcomes(one)[1]?.actual).toEqual(['1: StateFollower (Voter) Term:0 Lead:0']);
  });

  it('compares every line, the last one too', () => {
    const file = parseDataFile('x\n----\na\nb\n');
    const passes = (...actual: readonly string[]) => runDirectives(file, () => actual)[0]?.passed;
    expect([passes('a', 'b'), passes('a'), passes('a', 'b', 'c'), passes('a', 'c')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it('prints only ok while the level of the log is none', () => {
    const quiet = 'log-level none\n----\nok\n\nadd-nodes 1 voters=(1)\n----\nok\n\nraft-state\n----\nok\n';
    expect(outcomes(quiet).every(({ passed }) => passed)).toBe(true);
  });

  it.each([
    ['a command that is not known', 'reboot 1', /line 5: reboot: there is no such command/],
    ['an argument that is not known', 'campaign 1 hard=true', /does not know hard/],
    ['an argument too many', 'campaign 1 2', /does not know 2/],
    ['an argument too few', 'campaign', /an argument is missing/],
    ['a node that is not there', 'campaign 2', /there is no node 2/],
    ['a message that is not known', 'hold 1 1 type=MsgNone', /no message is named MsgNone/],
    ['an argument with a name that is missing', 'transfer-leadership from=1', /the argument to is missing/],
    ['input that it does not take', 'campaign 1\nnow', /takes no input/],
    ['an election timeout that cannot be', 'set-randomized-election-timeout 1 timeout=6', /lies in \[3, 6\)/],
    ['a number that is none', 'tick 1 often', /often is not a number/],
    ['a node that is paused', 'pause 1\n----\n\ncampaign 1', /1 is paused/],
    ['a node that is down', 'crash 1\n----\n\ncampaign 1', /1 is down/],
    ['a node that runs already', 'restart 1', /1 runs already/],
  ])('ends a scenario with %s', (_what, command, fault) => {
    expect(() => outcomes(`add-nodes 1 voters=(1)\n----\nok\n\n${command}\n----\n`)).toThrow(fault);
  });
});
