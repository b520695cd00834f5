/**
 * What the command prints: results to standard output, in full before the process ends. Errors go to standard error,
 * never between results.
 */
import { once } from 'node:events';
import { errorToWire, QuorateError } from 'quorate/errors';

/** Waits while the reader of a pipe is slower than we are. */
export async function print(data: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(data)) await once(process.stdout, 'drain');
}

export async function printJson(value: unknown): Promise<void> {
  await print(`${JSON.stringify(value)}\n`);
}

/** One sentence; with `--json` one line of JSON with all the fields of the error. */
export function printError(error: unknown, json: boolean): void {
  if (json && error instanceof QuorateError) {
    process.stderr.write(`${JSON.stringify(errorToWire(error))}\n`);
    return;
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`quorate: ${message}${outcomeNote(error)}\n`);
}

function outcomeNote(error: unknown): string {
  if (!(error instanceof QuorateError) || error.outcome !== 'unknown') return '';
  return '; whether the write was applied is not known';
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes as text, or null when they are not UTF-8: then only base64 keeps them exactly. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/** For a terminal: what could move its cursor, or is no text, is shown encoded. */
export function forTerminal(bytes: Uint8Array): string {
  const text = textOf(bytes);
  if (text === null) return `base64:${Buffer.from(bytes).toString('base64')}`;
  return /[\p{Cc}\u2028\u2029]/u.test(text) ? JSON.stringify(text) : text;
}

/** A value in JSON: `value` when it is text, `valueBase64` when it is not. */
export function valueFields(bytes: Uint8Array): { readonly value: string } | { readonly valueBase64: string } {
  const text = textOf(bytes);
  return text === null ? { valueBase64: Buffer.from(bytes).toString('base64') } : { value: text };
}
