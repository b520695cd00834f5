/** Operations as people read them. Long values are cut in the middle. */
import type { Operation } from '../history/operation.js';

const LONGEST = 60;

/** `process 3: cas 1 to 2, failed`. */
export function describeOperation({ process, action, outcome, result }: Operation): string {
  const end = { ok: '', mismatch: ', failed', unknown: ', unknown outcome' }[outcome];
  switch (action.f) {
    case 'read':
      return `process ${process}: read${result === null ? end : ` ${shorten(result)}`}`;
    case 'get':
      return `process ${process}: get${result === null ? end : ` ${shorten(JSON.stringify(result))}`}`;
    case 'write':
      return `process ${process}: write ${shorten(action.value)}${end}`;
    case 'cas':
      return `process ${process}: cas ${shorten(action.old)} to ${shorten(action.new)}${end}`;
    case 'put':
    case 'append':
      return `process ${process}: ${action.f} ${shorten(JSON.stringify(action.value))}${end}`;
  }
}

/** `line 3 to line 8`. */
export function describePlaces({ calledAt, answeredAt, outcome }: Operation): string {
  if (answeredAt === null) return `${calledAt}, never answered`;
  return outcome === 'unknown' ? `${calledAt}, given up at ${answeredAt}` : `${calledAt} to ${answeredAt}`;
}

export function indented(line: string): string {
  return `  ${line}`;
}

export function shorten(text: string): string {
  if (text.length <= LONGEST) return text;
  return `${text.slice(0, LONGEST / 2)}...${text.slice(-LONGEST / 2)}`;
}
