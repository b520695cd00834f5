/**
 * Which servers `quorate cluster` runs: names, ports, directories and the line that starts each. The printed line and
 * what is run must never differ.
 */
import { resolve } from 'node:path';
import { CommandFailed, EXIT } from '../exit-code.js';
import { ownCommandLine } from '../shell.js';

/** The peers listen this far above HTTP. */
const PEER_PORT_OFFSET = 1_000;
const HOST = '127.0.0.1';

export interface NodePlan {
  readonly id: string;
  readonly port: number;
  readonly peerPort: number;
  readonly url: string;
  /** What its standard output and error go to. */
  readonly logFile: string;
  /** The arguments of `quorate`. */
  readonly serveArguments: readonly string[];
  /** The line to paste into a shell. */
  readonly serveLine: string;
}

/** Throws CommandFailed when the ports do not exist or overlap. */
export function planCluster(options: { nodes: number; dataDir: string; port: number }): readonly NodePlan[] {
  const { nodes, port } = options;
  const highest = port + nodes - 1 + PEER_PORT_OFFSET;
  if (highest > 65_535) {
    const remedy = `choose one up to ${65_535 - PEER_PORT_OFFSET - nodes + 1}`;
    throw new CommandFailed(
      EXIT.usage,
      `--port ${port} is too high: the last peer port would be ${highest}; ${remedy}`,
    );
  }
  const dataDir = resolve(options.dataDir);
  const numbers = Array.from({ length: nodes }, (_, at) => at);
  const peers = numbers.map((at) => `n${at + 1}=${HOST}:${port + PEER_PORT_OFFSET + at}`).join(',');
  return numbers.map((at) => {
    const id = `n${at + 1}`;
    const peerPort = port + PEER_PORT_OFFSET + at;
    const serveArguments = [
      ...['serve', '--id', id, '--data-dir', resolve(dataDir, id)],
      ...['--listen', `${HOST}:${port + at}`, '--peer-listen', `${HOST}:${peerPort}`, '--peers', peers],
    ];
    return {
      id,
      port: port + at,
      peerPort,
      url: `http://${HOST}:${port + at}`,
      logFile: resolve(dataDir, `${id}.log`),
      serveArguments,
      serveLine: ownCommandLine(serveArguments),
    };
  });
}
