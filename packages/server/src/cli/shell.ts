/**
 * Command lines that can be pasted into a shell, from anywhere, and do the same again. Nothing in them may mean
 * anything else to a shell.
 */
import { fileURLToPath } from 'node:url';

/** This very program with these arguments. Paths are absolute: `quorate` need not be installed or on the PATH. */
export function ownCommandLine(args: readonly string[]): string {
  return [process.execPath, MAIN, ...args].map(quote).join(' ');
}

/** The file that `node` runs for this command. */
export const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

export function quote(argument: string): string {
  return /^[A-Za-z0-9_./:=,@%+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
