/**
 * `quorate snapshot save FILE` and `restore FILE`: a backup of a running cluster, and the beginning of a new one from
 * it. Neither may leave anything behind that is not whole.
 */
import { Command } from 'commander';
import { restoreSnapshot, type SnapshotSummary } from 'quorate';
import { type ClientFlags, flag, withClient, withClientFlags } from '../flags.js';
import { print, printJson } from '../output.js';
import { ProgressBar } from '../progress-bar.js';
import { saveBackup } from '../save-backup.js';
import { quote } from '../shell.js';
import { stopOnSignals } from '../stop-signals.js';

interface SaveFlags extends ClientFlags {
  readonly force?: boolean;
}

interface RestoreFlags {
  readonly id: string;
  readonly dataDir: string;
  readonly cluster: string;
  readonly json?: boolean;
}

export function snapshotCommand(): Command {
  return new Command('snapshot')
    .description('save a backup of a running cluster; restore one into a new cluster')
    .addCommand(saveCommand())
    .addCommand(restoreCommand());
}

function saveCommand(): Command {
  return withClientFlags(new Command('save'), { most: 3_600_000, byDefault: 60_000 })
    .summary('save a backup of a running cluster')
    .description(
      'save a backup: one file with every write that was acknowledged before.\n' +
        'It is checked on arrival, and has its name only when it is whole and durable.',
    )
    .argument('<file>', 'where to; it must not be there yet')
    .addOption(flag('--force', 'replace the file if it is there'))
    .action(save);
}

function restoreCommand(): Command {
  return new Command('restore')
    .summary('make a data directory of a new cluster from a backup')
    .description(
      'make a data directory of a new cluster from a backup, without any server.\n' +
        'Do so for every node of the new cluster, from the same file; then start them all with `quorate serve`.',
    )
    .argument('<file>', 'a file that `snapshot save` made')
    .addOption(flag('--id <name>', 'the node that the directory is for').makeOptionMandatory())
    .addOption(flag('--data-dir <dir>', 'its directory; must be new or empty').makeOptionMandatory())
    .addOption(flag('--cluster <name>', 'the name of the new cluster').default('quorate'))
    .addOption(flag('--json', 'print JSON'))
    .action(restore);
}

async function save(file: string, flags: SaveFlags): Promise<void> {
  const startedAt = performance.now();
  const bar = new ProgressBar(process.stderr, () => performance.now());
  const { signal } = stopOnSignals();
  let saved: SnapshotSummary;
  try {
    saved = await withClient(flags, (client) =>
      saveBackup(file, {
        replace: flags.force === true,
        backup: () => client.backup({ timeoutMs: flags.timeoutMs, signal }),
        onProgress: (done, total) => bar.update(done / total, () => `${size(done)} of ${size(total)}`),
      }),
    );
  } finally {
    bar.clear();
  }
  const durationMs = Math.round(performance.now() - startedAt);
  if (flags.json) await printJson({ file, ...saved, durationMs });
  else await print(`saved ${file}: everything up to index ${saved.index}, ${size(saved.bytes)}\n`);
}

async function restore(file: string, { id, dataDir, cluster, json }: RestoreFlags): Promise<void> {
  const bar = new ProgressBar(process.stderr, () => performance.now());
  const onProgress = (done: number, total: number) => bar.update(done / total, () => `${size(done)} of ${size(total)}`);
  let restored: SnapshotSummary;
  try {
    restored = await restoreSnapshot({ file, dataDir, id, cluster, onProgress });
  } finally {
    bar.clear();
  }
  if (json) {
    await printJson({ dataDir, id, cluster, ...restored });
    return;
  }
  const name = cluster === 'quorate' ? '' : ` --cluster ${quote(cluster)}`;
  await print(
    `restored ${dataDir} for ${id}: everything up to index ${restored.index}\n` +
      'Restore the same file for every other node of the new cluster, then start all of them:\n' +
      `  quorate serve --id ${quote(id)} --data-dir ${quote(dataDir)}${name} --peers ...\n`,
  );
}

function size(bytes: number): string {
  return bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
