/** Which of the counted things are operations of clients, so that each operation is counted once, however it ended. */

/** The levels at which reads are served, and reads on a bound that was given before, as they are counted. */
export const readLevels = ['linearizable', 'session', 'local', 'bound'];

/** How an operation can end. Codes of errors begin with a capital; the reasons of a core do not. */
const ends = {
  writes: /^write (acknowledged$|unknown: [A-Z]|not applied: [A-Z]|lost )/,
  reads: new RegExp(`^read (${readLevels.join('$|')}$|threw$|refused: [A-Z]|lost )`),
  bounds: /^bound($| refused: [A-Z]| lost )/,
};

/** `{ writes, reads, bounds }`: how many there were. */
export function countOperations(counts) {
  const count = (kind) => [...counts].reduce((total, [name, times]) => total + (isEnd(kind, name) ? times : 0), 0);
  return { writes: count('writes'), reads: count('reads'), bounds: count('bounds') };
}

/** Whether `name` is one of the ends of an operation; `kind` is writes, reads or bounds. */
export function isEnd(kind, name) {
  return ends[kind].test(name);
}
