/**
 * The mutants of what does not exist yet, in `test/mutants/not-built.json`: once the feature is there, the table fails
 * until its mutant is. It must never pass because a probe looks at files that have been moved.
 *
 * An item: `name`, `rule`, `reason`, and `feature`: `{ files, pattern }`, where `files` is a folder or file of the
 * sources, and the feature exists when a file below it holds something that matches `pattern`.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The list, with what is wrong with each item: its feature exists, or its probe looks at nothing; null when it is well.
 * @returns {{ name: string, rule: string, fault: string | null }[]}
 */
export function readNotBuilt(root) {
  const items = JSON.parse(readFileSync(join(root, 'test/mutants/not-built.json'), 'utf8'));
  return items.map((item) => ({ ...item, fault: faultOf(root, item) }));
}

/** Null when the item is rightly not built. */
function faultOf(root, { name, rule, reason, feature }) {
  if (![name, rule, reason, feature?.files, feature?.pattern].every((field) => typeof field === 'string')) {
    return 'it lacks a name, a rule, a reason or a probe for its feature';
  }
  if (existsSync(join(root, 'test/mutants', `${name}.patch`))) return 'it is built: take it off the list';
  const path = join(root, feature.files);
  if (!existsSync(path)) return `its probe looks at ${feature.files}, which does not exist`;
  const pattern = new RegExp(feature.pattern, 'm');
  const found = filesBelow(path).find((file) => pattern.test(readFileSync(file, 'utf8')));
  return found === undefined ? null : `its feature exists (${found.slice(root.length).replace(/^\//, '')}): build it`;
}

function filesBelow(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() || entry.isFile() ? filesBelow(join(path, entry.name)) : [],
  );
}
