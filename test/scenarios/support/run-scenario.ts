/**
 * Runs the commands of one scenario file, each in a cluster of its own, and says what every one of them printed. An
 * error of the core or of a command must never become an expected output: it ends the scenario.
 */
import { Arguments } from './arguments.js';
import { COMMANDS } from './commands.js';
import type { DataFile, Directive } from './data-driven.js';
import { Environment } from './environment.js';

/** What one command should have printed, and what it printed. */
export interface Outcome {
  readonly directive: Directive;
  readonly actual: readonly string[];
  readonly passed: boolean;
}

/** The commands in order, up to one that failed with an error. */
export function runScenario(file: DataFile): readonly Outcome[] {
  const env = new Environment();
  return runDirectives(file, (directive) => execute(env, directive));
}

/** Runs any kind of data-driven file: `run` gives the output of each directive. */
export function runDirectives(file: DataFile, run: (directive: Directive) => readonly string[]): readonly Outcome[] {
  return file.directives.map((directive) => {
    const actual = run(directive);
    const passed = actual.join('\n') === directive.expected.join('\n');
    return { directive, actual, passed };
  });
}

function execute(env: Environment, directive: Directive): readonly string[] {
  const { line, command, input } = directive;
  try {
    const run = COMMANDS.get(command);
    if (run === undefined) throw new Error('there is no such command');
    const args = new Arguments(directive);
    if (input.length > 0) throw new Error('the command takes no input');
    const output = run({ env, args });
    args.finish();
    const lines = env.quiet ? [] : output;
    return lines.length > 0 ? lines : ['ok'];
  } catch (error) {
    throw new Error(`line ${line}: ${command}: ${(error as Error).message}`, { cause: error });
  }
}
