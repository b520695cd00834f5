/** Which processes count as alive: a wrong yes keeps a node from starting, a wrong no lets two of them vote. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { describe, expect, it } from 'vitest';
import { currentProcess, isAlive } from '../../../packages/quorate/src/node/storage/process-identity.js';
import { eventually } from '../../support/wait.js';

/** What stands behind the name of the process: its state first, the time of its start 19 fields later. */
async function statusOf(pid: number): Promise<readonly string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

describe('a process', () => {
  it('is alive while it runs, also when the system tells no more than its id', async () => {
    const own = await currentProcess();
    expect(await isAlive(own)).toBe(true);
    expect(await isAlive({ ...own, startTime: null, bootId: null })).toBe(true);
  });

  it('is dead once it has ended', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    expect(await isAlive({ pid: child.pid as number, startTime: null, bootId: null })).toBe(false);
  });

  it.runIf(platform() === 'linux')(
    'is dead once it was killed, even if its parent never asks how it ended',
    async () => {
      // The shell becomes another program, which does not know of its child.
      const parent = spawn('sh', ['-c', 'sleep 600 & echo $!; exec sleep 600'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      try {
        const pid = Number(String((await once(parent.stdout, 'data'))[0]));
        const zombie = { pid, startTime: (await statusOf(pid))[19] as string, bootId: (await currentProcess()).bootId };
        expect(await isAlive(zombie)).toBe(true);
        process.kill(pid, 'SIGKILL');
        await eventually('the child is a zombie', async () => (await statusOf(pid))[0] === 'Z', { everyMs: 1 });
        expect(await isAlive(zombie)).toBe(false);
      } finally {
        const exit = once(parent, 'exit');
        parent.kill('SIGKILL');
        await exit;
      }
    },
  );

  it.runIf(platform() === 'linux' && spawnSync('strace', ['-V']).error === undefined)(
    'is alive after it was killed while one of its threads is still in a write',
    async () => {
      const code = "require('fs').open('/dev/null', 'w', (_, fd) => require('fs').write(fd, 'x', 0, () => {}))";
      const delay = ['-e', 'trace=pwrite64', '-e', 'inject=pwrite64:delay_enter=60000000'];
      const strace = spawn('strace', ['-f', ...delay, process.execPath, '-e', `console.log(process.pid); ${code}`], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let [pid, traced] = [0, ''];
      strace.stdout.once('data', (text: Buffer) => {
        pid = Number(text.toString());
      });
      strace.stderr.on('data', (text: Buffer) => {
        traced += text.toString();
      });
      try {
        await eventually('the write to hang', () => pid !== 0 && traced.includes('pwrite64('));
        const hung = { pid, startTime: (await statusOf(pid))[19] as string, bootId: (await currentProcess()).bootId };
        process.kill(pid, 'SIGKILL');
        await eventually('its first thread to have ended', async () => (await statusOf(pid))[0] === 'Z');
        expect(await isAlive(hung)).toBe(true);
      } finally {
        const exit = once(strace, 'exit');
        strace.kill('SIGKILL');
        await exit;
      }
    },
  );
});
