/**
 * Which sources of the packages are reached from an entry point, so that no dead file stays behind. A file that only a
 * test imports does not count as used, apart from those of the test kit.
 */
import { exists, importedSource, imports, read, type SourceFile } from './repository.js';

interface Manifest {
  readonly exports: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
}

/** The sources behind `exports` and `bin` of a package. */
export function entryPoints(packageFolder: string): readonly string[] {
  const manifest = JSON.parse(read(`${packageFolder}/package.json`)) as Manifest;
  return [...Object.values(manifest.exports), ...Object.values(manifest.bin ?? {})]
    .filter((path) => path.endsWith('.js'))
    .map(
      (path) =>
        `${packageFolder}/${path
          .replace(/^\.\//, '')
          .replace(/^dist\//, 'src/')
          .replace(/\.js$/, '.ts')}`,
    );
}

/** The files that none of the entry points reaches through relative imports. */
export function unreached(files: readonly SourceFile[], entries: readonly string[]): readonly string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const file = byPath.get(path);
    if (file === undefined || reached.has(path)) continue;
    reached.add(path);
    for (const { specifier } of imports(file)) {
      if (specifier.startsWith('.')) waiting.push(importedSource(path, specifier));
    }
  }
  return files.map((file) => file.path).filter((path) => !reached.has(path));
}

/** Entry points that name a file which does not exist. */
export function missingEntryPoints(packageFolder: string): readonly string[] {
  return entryPoints(packageFolder).filter((path) => !exists(path));
}
