/** What the library logs through. Silent unless a logger is injected; it must never throw back into the node. */

export type LogFields = Readonly<Record<string, unknown>>;

/** The four levels and the argument order of pino, so that a pino instance fits as it is. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

const ignore = () => {};

export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
