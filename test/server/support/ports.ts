/** Free ports for servers that have to know each other's before they listen. */
import { createServer } from 'node:net';

/** The first of as many free ports, with as many free peer ports 1000 above. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 10_000);
    const ports = Array.from({ length: count }, (_, at) => [first + at, first + 1_000 + at]).flat();
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return first;
  }
}

export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (listening) await new Promise((resolve) => server.close(resolve));
  return listening;
}
