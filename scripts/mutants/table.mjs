/**
 * What `npm run mutants` prints: `mutant | rule | caught by | seeds needed`, and whether the run is good. A row must
 * never look like another's: a survivor and a crash say so in the place of the check.
 */

const columns = ['mutant', 'rule', 'caught by', 'seeds needed'];

/** One line for each mutant, then those that are not built. */
export function table({ rows, notBuilt }) {
  const lines = [
    columns,
    ...rows.map(({ name, rule, verdict }) => [name, rule, ...outcome(verdict)]),
    ...notBuilt.map(({ name, rule, fault }) => [name, rule, fault === null ? 'not built' : `NOT BUILT: ${fault}`, '']),
  ];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const text = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]))
      .join(' | ')
      .trimEnd(),
  );
  text.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('-|-'));
  return text.join('\n');
}

function outcome(verdict) {
  switch (verdict.kind) {
    case 'caught':
      return [verdict.by, verdict.seeds === 0 ? 'a test' : String(verdict.seeds)];
    case 'survived':
      return ['SURVIVED', verdict.seeds === 0 ? 'a test' : `above ${verdict.seeds}`];
    case 'crashed':
      return [`CRASHED: ${verdict.why}`, ''];
    default:
      throw new Error(`there is no verdict ${verdict.kind}`);
  }
}

/** Whether the run is good, and one line that says so. */
export function summary({ rows, unpatched, notBuilt }) {
  if (unpatched !== null) return { ok: false, text: `without a mutant the suite fails: ${unpatched}` };
  const count = (kind) => rows.filter(({ verdict }) => verdict.kind === kind).length;
  const overdue = notBuilt.filter(({ fault }) => fault !== null).length;
  const [caught, survived, crashed] = [count('caught'), count('survived'), count('crashed')];
  const ok = rows.length > 0 && caught === rows.length && overdue === 0;
  const counts = `${caught} caught, ${survived} survived, ${crashed} crashed, ${notBuilt.length} not built`;
  const late = overdue === 0 ? '' : ` (${overdue} of them should be)`;
  return { ok, text: `mutants: ${counts}${late}; without a mutant the suite passes` };
}
