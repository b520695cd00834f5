/**
 * A process that locks directories when its parent says so, for directory-lock.test.ts. It must not do anything by
 * itself, so that the test decides when it dies.
 */
import { lockDirectory } from '../../../packages/quorate/src/node/storage/directory-lock.js';
import type { DirectoryLock } from '../../../packages/quorate/src/node/storage/disk.js';

export type Request = { readonly kind: 'lock'; readonly path: string } | { readonly kind: 'release' };
export type Answer = { readonly result: 'ready' | 'locked' | 'refused' | 'released'; readonly message: string };

let held: DirectoryLock | null = null;

async function answer(request: Request): Promise<Answer['result']> {
  if (request.kind === 'lock') {
    held = await lockDirectory(request.path);
    return 'locked';
  }
  await held?.release();
  return 'released';
}

function send(result: Answer['result'], message = ''): void {
  process.send?.({ result, message } satisfies Answer);
}

process.on('message', (request: Request) => {
  answer(request).then(send, (error: Error) => send('refused', `${error.name}: ${error.message}`));
});
send('ready');
