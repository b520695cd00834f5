/**
 * The numbers of STYLE.md: lines per file, lines per function, columns per line. They must never be raised for one
 * file; split the file.
 */
import ts from 'typescript';
import { at, nodes, type SourceFile } from './repository.js';
import type { Rule } from './rule.js';

export const maxFileLines = 500;
export const maxFunctionLines = 70;
export const maxColumns = 120;

function checkFileLines(file: SourceFile): readonly string[] {
  const count = file.lines.length;
  return count > maxFileLines ? [`${count} lines, the limit is ${maxFileLines}`] : [];
}

function checkFunctionLines(file: SourceFile): readonly string[] {
  return nodes(file).flatMap((node) => {
    if (!ts.isFunctionLike(node) || isDescribeCallback(node)) return [];
    const line = (position: number) => file.tree.getLineAndCharacterOfPosition(position).line;
    const count = line(node.getEnd()) - line(node.getStart(file.tree)) + 1;
    return count > maxFunctionLines
      ? [at(file, node, `a function of ${count} lines, the limit is ${maxFunctionLines}`)]
      : [];
  });
}

/** The body of `describe` is a list of tests, each of which counts by itself. */
function isDescribeCallback(node: ts.Node): boolean {
  if (!ts.isCallExpression(node.parent) || node.parent.expression === node) return false;
  return /^describe\b/.test(node.parent.expression.getText());
}

function checkColumns(file: SourceFile): readonly string[] {
  return file.lines.flatMap((line, i) => {
    const columns = [...line].length;
    return columns > maxColumns ? [`line ${i + 1}: ${columns} columns, the limit is ${maxColumns}`] : [];
  });
}

const longBody = 'call();\n'.repeat(maxFunctionLines - 1);

export const sizeRules: readonly Rule[] = [
  {
    name: `no file has more than ${maxFileLines} lines`,
    check: checkFileLines,
    bad: [{ path: 'test/x.ts', text: '// line\n'.repeat(maxFileLines + 1) }],
    good: [{ path: 'test/x.ts', text: '// line\n'.repeat(maxFileLines) }],
  },
  {
    name: `no function has more than ${maxFunctionLines} lines`,
    check: checkFunctionLines,
    bad: [
      { path: 'test/x.ts', text: `function long() {\n${longBody}}` },
      { path: 'test/x.ts', text: `const long = () => {\n${longBody}};` },
      { path: 'test/x.ts', text: `class A { long() {\n${longBody}} }` },
      { path: 'test/x.ts', text: `class A { constructor() {\n${longBody}} }` },
      { path: 'test/x.ts', text: `class A { get long() {\n${longBody}} }` },
      { path: 'test/x.ts', text: `it('is long', async () => {\n${longBody}});` },
      { path: 'test/x.ts', text: `describe('x', () => { it('is long', function () {\n${longBody}}); });` },
    ],
    good: [
      { path: 'test/x.ts', text: `describe('many tests', () => {\n${longBody}${longBody}});` },
      { path: 'test/x.ts', text: `describe.each([1, 2])('many tests', () => {\n${longBody}${longBody}});` },
      { path: 'test/x.ts', text: `function short() {\n${longBody.replace('call();\n', '')}}` },
    ],
  },
  {
    name: `no line has more than ${maxColumns} columns`,
    check: checkColumns,
    bad: [{ path: 'test/x.ts', text: `// ${'x'.repeat(maxColumns - 2)}` }],
    good: [{ path: 'test/x.ts', text: `// ${'é'.repeat(maxColumns - 3)}` }],
  },
];
