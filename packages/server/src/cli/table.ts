/** Columns for people: as wide as their widest cell, two blanks apart. Programs read `--json`. */

export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    // A row that ends early has a message in its last cell, which may run over the columns behind it.
    for (const [at, cell] of row.entries()) {
      if (at < row.length - 1 || row.length === rows[0]?.length) widths[at] = Math.max(widths[at] ?? 0, cell.length);
    }
  }
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return `${rows.map(line).join('\n')}\n`;
}
