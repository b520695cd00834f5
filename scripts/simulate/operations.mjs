/** Which of the counted things are operations of clients, so that each operation is counted once, however it ended. */

/** How an operation at a node can end. Codes of errors begin with a capital; reasons of the core do not. */
const ends = [
  /^write (acknowledged$|unknown: [A-Z]|not applied: [A-Z]|lost )/,
  /^read (linearizable$|lease$|bounded$|session$|local$|bound$|threw$|refused: [A-Z]|lost )/,
  /^bound($| refused: [A-Z]| lost )/,
];
/** What is counted where clients ask the cores themselves: the start of each operation. */
const starts = [/^proposal$/, /^read$/];

/** `{ writes, reads, bounds }`: how many there were. */
export function countOperations(counts) {
  const [writes, reads, bounds] = ends.map((end) => sum(counts, end));
  if (writes + reads + bounds > 0) return { writes, reads, bounds };
  const [proposals, asked] = starts.map((start) => sum(counts, start));
  return { writes: proposals, reads: asked, bounds: 0 };
}

function sum(counts, pattern) {
  return [...counts].reduce((total, [name, times]) => total + (pattern.test(name) ? times : 0), 0);
}
