/**
 * The files of the repository as the tidy test sees them: listed without git, read once, parsed by the compiler. It
 * must never look at what is generated (`dist`) or installed (`node_modules`).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A source file. Samples in tests are made of a path and a text alone. */
export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly tree: ts.SourceFile;
}

export function sourceFile(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  return { path, text, lines: text.replace(/\n$/, '').split('\n'), tree };
}

/** Every source file that people write: the packages, tests, benchmarks and scripts. */
export function sourceFiles(): readonly SourceFile[] {
  const folders = ['packages/quorate/src', 'packages/server/src', 'test', 'bench', 'scripts'];
  const files = folders.flatMap((folder) => list(folder)).filter((path) => /\.(ts|mjs)$/.test(path));
  return [...files, 'vitest.config.ts'].map((path) => sourceFile(path, read(path)));
}

export function markdownFiles(): readonly { readonly path: string; readonly text: string }[] {
  const paths = ['.', 'docs', 'packages', 'test', 'bench'].flatMap((folder) => list(folder, folder !== '.'));
  return paths.filter((path) => path.endsWith('.md')).map((path) => ({ path, text: read(path) }));
}

function list(folder: string, deep = true): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isFile()) return [path];
    if (!deep || !entry.isDirectory() || ['node_modules', 'dist'].includes(entry.name)) return [];
    return list(path);
  });
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function exists(path: string): boolean {
  return existsSync(join(root, path));
}

/** The path from the root for one that is relative to a file. */
export function resolveFrom(file: string, target: string): string {
  return relative(root, join(root, posix.dirname(file), target));
}

/** `line 12: message`, counted from 1. */
export function at(file: SourceFile, node: ts.Node, message: string): string {
  const { line } = file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree));
  return `line ${line + 1}: ${message}`;
}

/** Every node of the file, parents first. */
export function nodes(file: SourceFile): readonly ts.Node[] {
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(file.tree);
  return found;
}

export interface Import {
  readonly specifier: string;
  /** True when nothing of it is left at run time. */
  readonly typeOnly: boolean;
  /** The names taken, as the other module calls them. */
  readonly names: readonly string[];
  readonly node: ts.Node;
}

/**
 * What a file takes from others: imports, re-exports, dynamic imports, `require` and files named by `new URL(...,
 * import.meta.url)`.
 */
export function imports(file: SourceFile): readonly Import[] {
  return nodes(file).flatMap((node) => importOf(node) ?? []);
}

function importOf(node: ts.Node): Import | null {
  if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
    const specifier = (node.moduleSpecifier as ts.StringLiteral).text;
    if (ts.isExportDeclaration(node)) return { specifier, typeOnly: node.isTypeOnly, names: [], node };
    const bindings = node.importClause?.namedBindings;
    const elements = bindings !== undefined && ts.isNamedImports(bindings) ? [...bindings.elements] : [];
    const onlyTypes = elements.length > 0 && elements.every((element) => element.isTypeOnly);
    const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword || onlyTypes;
    return { specifier, typeOnly, names: elements.map((element) => (element.propertyName ?? element.name).text), node };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { specifier: node.argument.literal.text, typeOnly: true, names: [], node };
  }
  const argument = ts.isCallExpression(node) || ts.isNewExpression(node) ? node.arguments?.[0] : undefined;
  if (argument === undefined || !ts.isStringLiteral(argument)) return null;
  const callee = (node as ts.CallExpression | ts.NewExpression).expression;
  const isImport = callee.kind === ts.SyntaxKind.ImportKeyword || callee.getText() === 'require';
  const isUrl = ts.isNewExpression(node) && callee.getText() === 'URL' && node.arguments?.length === 2;
  return isImport || isUrl ? { specifier: argument.text, typeOnly: false, names: [], node } : null;
}

/** The source behind a relative import: `./x.js` means `./x.ts`. */
export function importedSource(file: string, specifier: string): string {
  return resolveFrom(file, specifier.replace(/\.js$/, '.ts'));
}
