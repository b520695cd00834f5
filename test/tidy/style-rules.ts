/**
 * Rules of STYLE.md that one file can break by itself: headers, names, exports, left-over marks, swallowed errors.
 * Words that are banned stand here in pieces, so that this file does not break its own rules.
 */
import ts from 'typescript';
import { at, nodes, type SourceFile } from './repository.js';
import type { Rule } from './rule.js';

const markers = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`);

function checkHeader(file: SourceFile): readonly string[] {
  const header = /^(#!.*\n)?\/\*\*([\s\S]*?)\*\//.exec(file.text);
  if (header === null) return ['does not open with a /** comment */'];
  const text = (header[2] as string).replaceAll(/^\s*\*/gm, '');
  const sentences = text.match(/[.!?](?=\s|$)/g) ?? [];
  // A file that only lists names, and one outside the packages, may have nothing that it must never do.
  const needed = file.path.startsWith('packages/') && !file.path.endsWith('/index.ts') ? 2 : 1;
  return sentences.length < needed ? [`its header has fewer than ${needed} sentences, see STYLE.md`] : [];
}

function checkFileName(file: SourceFile): readonly string[] {
  const name = file.path.split('/').at(-1) as string;
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.config)?\.(ts|mjs)$/.test(name)) return [`${name} is not kebab-case`];
  const base = name.replace(/(\.test|\.config)?\.(ts|mjs)$/, '');
  const exported = exportedDeclarations(file);
  // A file of errors holds a family of them; an index exports what others declare; a helper of tests may hold several.
  if (!file.path.startsWith('packages/') || !exported.some(ts.isClassDeclaration)) return [];
  if (base === 'index' || base.endsWith('-errors')) return [];
  const names = exported.map((declaration) => kebab(declaration.name?.getText() ?? ''));
  return names.some((name) => `-${name}-`.includes(`-${base}-`))
    ? []
    : [`exports a class, and nothing that it is named after; it has ${names.join(', ')}`];
}

function exportedDeclarations(file: SourceFile): readonly (ts.DeclarationStatement & { name?: ts.Node })[] {
  return file.tree.statements.filter(
    (statement): statement is ts.DeclarationStatement & { name?: ts.Node } =>
      (ts.isClassDeclaration(statement) ||
        ts.isInterfaceDeclaration(statement) ||
        ts.isFunctionDeclaration(statement) ||
        ts.isTypeAliasDeclaration(statement)) &&
      (statement.modifiers ?? []).some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword),
  );
}

function kebab(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}

function checkDefaultExport(file: SourceFile): readonly string[] {
  if (file.path.endsWith('.config.ts')) return [];
  return nodes(file).flatMap((node) => {
    const isDefault =
      ts.isExportAssignment(node) ||
      (node.kind === ts.SyntaxKind.DefaultKeyword && ts.canHaveModifiers(node.parent)) ||
      (ts.isExportSpecifier(node) && node.name.text === 'default');
    return isDefault ? [at(file, node, 'a default export')] : [];
  });
}

function checkTestSwitches(file: SourceFile): readonly string[] {
  return nodes(file).flatMap((node) => {
    if (!ts.isPropertyAccessExpression(node)) return [];
    const text = node.getText();
    return /^(it|test|describe)\b.*\.(only|skip|todo|fails)$/.test(text) ? [at(file, node, text)] : [];
  });
}

function checkMarkers(file: SourceFile): readonly string[] {
  return file.lines.flatMap((line, i) => {
    const found = markers.exec(line);
    return found === null ? [] : [`line ${i + 1}: ${found[0]}: do it, or file it`];
  });
}

function checkSwallowedErrors(file: SourceFile): readonly string[] {
  return nodes(file).flatMap((node) => {
    if (ts.isCatchClause(node) && node.block.statements.length === 0) return [at(file, node, 'an empty catch')];
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return [];
    const handler = node.arguments[0];
    if (node.expression.name.text !== 'catch' || handler === undefined) return [];
    const isEmpty =
      (ts.isArrowFunction(handler) || ts.isFunctionExpression(handler)) &&
      ts.isBlock(handler.body) &&
      handler.body.statements.length === 0;
    return isEmpty ? [at(file, node.expression.name, 'a catch that does nothing')] : [];
  });
}

const header = '/** What it is for. What it must never do. */\n';

export const styleRules: readonly Rule[] = [
  {
    name: 'every file opens with a comment that says what it is for and what it must never do',
    check: checkHeader,
    bad: [
      { path: 'test/x.ts', text: 'const x = 1;' },
      { path: 'test/x.ts', text: '// What it is for. What it must never do.\nconst x = 1;' },
      { path: 'test/x.ts', text: '/** One sentence with a number, 1.5, and no end */' },
      { path: 'packages/quorate/src/x.ts', text: '/** One sentence alone. */' },
      { path: 'test/x.ts', text: "import { x } from './x.js';\n/** What it is for. What it must never do. */" },
    ],
    good: [
      { path: 'packages/quorate/src/x.ts', text: header },
      { path: 'packages/quorate/src/index.ts', text: '/** One sentence alone. */' },
      { path: 'test/x.test.ts', text: '/** One sentence alone. */' },
      { path: 'test/x.ts', text: `#!/usr/bin/env node\n${header}` },
      { path: 'test/x.ts', text: '/**\n * What it is for.\n * What it must never do.\n */' },
    ],
  },
  {
    name: 'every file is named in kebab-case, after its class when it exports one',
    check: checkFileName,
    bad: [
      { path: 'test/Log.ts', text: '' },
      { path: 'test/raft_log.ts', text: '' },
      { path: 'packages/quorate/src/core/log.ts', text: 'export class Entries {}' },
      { path: 'packages/quorate/src/core/log.ts', text: 'class Log {} export class Logger {}' },
    ],
    good: [
      { path: 'packages/quorate/src/core/log.ts', text: 'export class Log {} export interface Options {}' },
      { path: 'packages/server/src/progress.ts', text: 'export class ProgressDisplay {}' },
      { path: 'packages/quorate/src/errors/read-errors.ts', text: 'export class Aborted {} export class LagBehind {}' },
      { path: 'test/quorum.ts', text: 'export function majority() {}' },
    ],
  },
  {
    name: 'nothing is exported by default',
    check: checkDefaultExport,
    bad: [
      { path: 'test/x.ts', text: 'export default 1;' },
      { path: 'test/x.ts', text: 'export default function x() {}' },
      { path: 'test/x.ts', text: 'export default class X {}' },
      { path: 'test/x.ts', text: 'const x = 1; export { x as default };' },
    ],
    good: [{ path: 'test/x.ts', text: 'switch (x) { default: break; }' }],
  },
  {
    name: 'no test is switched off or singled out',
    check: checkTestSwitches,
    bad: [
      { path: 'test/x.test.ts', text: "it.only('x', () => {});" },
      { path: 'test/x.test.ts', text: "describe.skip('x', () => {});" },
      { path: 'test/x.test.ts', text: "test.concurrent.skip('x', () => {});" },
      { path: 'test/x.test.ts', text: "it.todo('x');" },
    ],
    good: [{ path: 'test/x.test.ts', text: "it('keeps only the newest', () => { list.skip(1); });" }],
  },
  {
    name: 'nothing is left marked as unfinished',
    check: checkMarkers,
    bad: [
      { path: 'test/x.ts', text: `// ${'TO' + 'DO'}: later` },
      { path: 'test/x.ts', text: `/* ${'FIX' + 'ME'} */` },
    ],
  },
  {
    name: 'no error is swallowed',
    check: checkSwallowedErrors,
    bad: [
      { path: 'test/x.ts', text: 'try { run(); } catch {}' },
      { path: 'test/x.ts', text: 'try { run(); } catch (error) { /* whatever */ }' },
      { path: 'test/x.ts', text: 'promise.catch(() => {});' },
      { path: 'test/x.ts', text: 'promise.catch(function () {});' },
    ],
    good: [{ path: 'test/x.ts', text: 'try { run(); } catch (error) { report(error); }' }],
  },
];
