/** Whether ports are free, found out before anything is started. It must never keep one. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** The first of the ports that cannot be listened on, with the system's code; null when all are free. */
export async function firstTakenPort(ports: readonly number[]): Promise<{ port: number; code: string } | null> {
  for (const port of ports) {
    const server = createServer();
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    } catch (error) {
      return { port, code: (error as NodeJS.ErrnoException).code ?? 'unknown' };
    }
    server.close();
    await once(server, 'close');
  }
  return null;
}
