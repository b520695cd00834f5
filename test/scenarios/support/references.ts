/**
 * Holds the table in `references.md` against the files it points at: what went wrong elsewhere, and where it is tried
 * here. Every reference stands in it once; a place that does not exist, or does not speak of the reference, is a fault.
 */

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

/** Everything that went wrong elsewhere, as the table numbers it. */
export const REFERENCES: readonly string[] = [
  ...numbers(37).map((n) => `P${n}`),
  ...numbers(10).map((n) => `S${n}`),
  ...numbers(17).map((n) => `case ${n}`),
];

/** The text of a file of the repository, by its path from the root; null when there is none. */
export type Read = (path: string) => string | null;

const FOLDER = 'test/scenarios/';
const SCENARIO = /^`([\w-]+\.txt):(\d+)`$/;
const TEST = /^`(test\/[\w/.-]+\.test\.ts)`, "(.+)"$/;
const REASON = /^(Not yet|Does not apply): .{10,}\.$/;

interface Row {
  readonly reference: string;
  readonly place: string;
}

function rows(table: string): readonly Row[] {
  return table.split('\n').flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    const [, reference, subject, place] = cells;
    if (cells.length !== 5 || reference === undefined || !/^(P|S|case )\d+$/.test(reference)) return [];
    return subject === '' || place === undefined ? [] : [{ reference, place }];
  });
}

/** What is wrong with the table, a line each. */
export function tableFaults(table: string, read: Read): readonly string[] {
  const found = rows(table);
  const counts = REFERENCES.flatMap((reference) => {
    const count = found.filter((row) => row.reference === reference).length;
    return count === 1 ? [] : [`${reference} stands in the table ${count} times`];
  });
  const unknown = found.filter(({ reference }) => !REFERENCES.includes(reference));
  return [
    ...counts,
    ...unknown.map(({ reference }) => `${reference} is no reference`),
    ...found.flatMap((row) => placeFaults(row, read).map((fault) => `${row.reference}: ${fault}`)),
  ];
}

function placeFaults({ reference, place }: Row, read: Read): readonly string[] {
  const scenario = SCENARIO.exec(place);
  if (scenario !== null) return scenarioFaults(reference, scenario[1] as string, Number(scenario[2]), read);
  const test = TEST.exec(place);
  if (test !== null) return testFaults(test[1] as string, test[2] as string, read);
  return REASON.test(place) ? [] : [`"${place}" is neither a scenario, nor a test, nor a reason`];
}

function scenarioFaults(reference: string, name: string, line: number, read: Read): readonly string[] {
  const text = read(FOLDER + name);
  if (text === null) return [`there is no ${name}`];
  if (!names(header(text), reference)) return [`the first comment of ${name} does not name it`];
  const at = text.split('\n')[line - 1] ?? '';
  const isComment = at.startsWith('#') && names(at, reference);
  return isComment ? [] : [`line ${line} of ${name} is no comment that names it`];
}

/**
 * The test must stand in the file under exactly this name, or under this name and what a template adds to it, as the
 * argument of `it`, `test` or `it.each(…)`.
 */
function testFaults(path: string, name: string, read: Read): readonly string[] {
  const text = read(path);
  if (text === null) return [`there is no ${path}`];
  const literal = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const call = String.raw`(\b(it|test)|\))\(\s*`;
  const isThere = new RegExp(`${call}('${literal}'|\`${literal} \\$\\{)`).test(text);
  return isThere ? [] : [`${path} has no test "${name}"`];
}

/** The comment that opens a scenario. */
export function header(text: string): string {
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('#'));
  return lines.slice(0, end === -1 ? lines.length : end).join('\n');
}

function names(text: string, reference: string): boolean {
  return new RegExp(`\\b${reference}\\b`, 'i').test(text);
}

/** The table with the lines where the scenarios name the references first after their opening comments. */
export function rewriteLines(table: string, read: Read): string {
  return table
    .split('\n')
    .map((line) => {
      const [row] = rows(line);
      const scenario = row === undefined ? null : SCENARIO.exec(row.place);
      if (row === undefined || scenario === null) return line;
      const text = read(FOLDER + (scenario[1] as string)) ?? '';
      const from = header(text).split('\n').length;
      const lines = text.split('\n');
      const at = lines.findIndex((line, i) => i >= from && line.startsWith('#') && names(line, row.reference));
      return line.replace(scenario[0], `\`${scenario[1]}:${at + 1}\``);
    })
    .join('\n');
}
