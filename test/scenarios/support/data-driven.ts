/**
 * The data-driven format of cockroachdb/datadriven, as etcd-io/raft's test files use it: a command with arguments,
 * optional lines of input, `----`, the expected output, a blank line. It knows no Raft, so that every kind of such a
 * file can be read with it; it must never guess at a malformed file.
 */

/** `key`, `key=value` or `key=(value,value)`. */
export interface Argument {
  readonly key: string;
  readonly values: readonly string[];
}

export interface Directive {
  /** Of the command line, from 1. */
  readonly line: number;
  readonly command: string;
  readonly args: readonly Argument[];
  readonly input: readonly string[];
  /** Without the blank line that ends it. */
  readonly expected: readonly string[];
}

/** A file, in such a shape that it can be written again with other outputs and otherwise as it was. */
export interface DataFile {
  readonly parts: readonly Part[];
  readonly directives: readonly Directive[];
}

type Part =
  | { readonly kind: 'text'; readonly lines: readonly string[] }
  | { readonly kind: 'directive'; readonly head: readonly string[]; readonly directive: Directive };

const SEPARATOR = '----';

export function parseDataFile(text: string): DataFile {
  const lines = text.split('\n');
  const parts: Part[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] as string;
    if (line.trim() === '' || line.startsWith('#')) {
      parts.push({ kind: 'text', lines: [line] });
      at++;
      continue;
    }
    const parsed = parseDirective(lines, at);
    parts.push(parsed.part);
    at = parsed.next;
  }
  return { parts, directives: parts.flatMap((part) => (part.kind === 'directive' ? [part.directive] : [])) };
}

function parseDirective(lines: readonly string[], start: number): { readonly part: Part; readonly next: number } {
  let at = start;
  let commandLine = '';
  for (let more = true; more; at++) {
    const line = (lines[at] ?? '').trim();
    more = line.endsWith('\\');
    commandLine += more ? `${line.slice(0, -1)} ` : line;
  }
  const input: string[] = [];
  while (lines[at] !== SEPARATOR) {
    const line = lines[at];
    if (line === undefined || line.trim() === '')
      throw new Error(`line ${start + 1}: no ${SEPARATOR} after the command`);
    input.push(line);
    at++;
  }
  const head = lines.slice(start, at);
  const { expected, next } = readOutput(lines, at + 1);
  const [command, ...args] = splitArguments(commandLine, start + 1);
  if (command === undefined || command.values.length > 0) throw new Error(`line ${start + 1}: no command`);
  const directive = { line: start + 1, command: command.key, args, input, expected };
  return { part: { kind: 'directive', head, directive }, next };
}

/** Ends at a blank line; or, when it begins with a second separator, at two separators and a blank line. */
function readOutput(lines: readonly string[], start: number): { expected: readonly string[]; next: number } {
  let at = start;
  if (lines[at] !== SEPARATOR) {
    while (at < lines.length && (lines[at] as string).trim() !== '') at++;
    return { expected: lines.slice(start, at), next: at };
  }
  at++;
  while (lines[at] !== SEPARATOR || lines[at + 1] !== SEPARATOR) {
    if (at >= lines.length) throw new Error(`line ${start}: an output with blank lines ends with ${SEPARATOR} twice`);
    at++;
  }
  const after = lines[at + 2];
  if (after !== undefined && after.trim() !== '') throw new Error(`line ${at + 3}: not a blank line`);
  return { expected: lines.slice(start + 1, at), next: at + 2 };
}

/** Splits at blanks, but not within parentheses. */
function splitArguments(text: string, line: number): readonly Argument[] {
  const args: Argument[] = [];
  let rest = text.trim();
  while (rest !== '') {
    const found = /^([^\s=()]+)(?:=(\([^()]*\)|[^\s()]*))?(?=\s|$)\s*/.exec(rest);
    if (found === null) throw new Error(`line ${line}: cannot read the argument at "${rest}"`);
    const [whole, key, value] = found as unknown as [string, string, string | undefined];
    args.push({ key, values: valuesOf(value) });
    rest = rest.slice(whole.length);
  }
  return args;
}

function valuesOf(value: string | undefined): readonly string[] {
  if (value === undefined) return [];
  if (!value.startsWith('(')) return [value];
  const inner = value.slice(1, -1).trim();
  return inner === '' ? [] : inner.split(',').map((item) => item.trim());
}

/** The file as it would be with these outputs, one for each directive. */
export function renderDataFile(file: DataFile, outputs: readonly (readonly string[])[]): string {
  let position = 0;
  const lines = file.parts.flatMap((part) => {
    if (part.kind === 'text') return part.lines;
    const output = outputs[position++] ?? part.directive.expected;
    const hasBlank = output.some((line) => line.trim() === '');
    const body = hasBlank ? [SEPARATOR, ...output, SEPARATOR, SEPARATOR] : output;
    return [...part.head, SEPARATOR, ...body];
  });
  return lines.join('\n');
}
