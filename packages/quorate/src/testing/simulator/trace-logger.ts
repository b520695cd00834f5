/** What a simulated node logs, as lines of the trace. It must never hold anything that depends on the real machine. */
import type { LogFields, Logger } from '../../node/index.js';

export function traceLogger(record: (line: string) => void): Logger {
  const write = (fields: LogFields, message: string) => record(`log: ${message} ${JSON.stringify(fields)}`);
  return { debug: write, info: write, warn: write, error: write };
}
