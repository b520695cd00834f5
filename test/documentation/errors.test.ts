/**
 * Holds docs/reference/errors.md against the classes: every code is described, no other is, and `retryable` is what the
 * class says. It reads the sources, so that a new error cannot be forgotten.
 */

import ts from 'typescript';
import { expect, it } from 'vitest';
import { tableRows } from '../tidy/markdown.js';
import { nodes, read, sourceFiles } from '../tidy/repository.js';

interface Described {
  readonly code: string;
  /** Status of the answer over HTTP. */
  readonly status: string;
  /** `yes`, `no`, or how it is found out. */
  readonly retryable: string;
}

const described: readonly Described[] = tableRows(read('docs/reference/errors.md')).map(
  ([code, status, , retryable]) => ({
    code: (code as string).replaceAll('`', ''),
    status: status as string,
    retryable: retryable as string,
  }),
);

/** The classes of both packages that set a code, with what they say of retries; null when the instance decides. */
const classes = sourceFiles()
  .filter(({ path }) => /^packages\/(quorate\/src\/(errors|client)|server\/src)\//.test(path))
  .flatMap((file) => nodes(file).filter(ts.isClassDeclaration))
  .flatMap((node) => {
    const code = initializer(node, 'code');
    return code !== null && extendsQuorateError(node)
      ? [{ code: code.replaceAll("'", ''), retryable: initializer(node, 'retryable') }]
      : [];
  });

function extendsQuorateError(node: ts.ClassDeclaration): boolean {
  return (
    node.heritageClauses?.some((clause) => clause.types.some((type) => type.getText() === 'QuorateError')) ?? false
  );
}

function initializer(node: ts.ClassDeclaration, name: string): string | null {
  const property = node.members.find((member) => member.name?.getText() === name);
  return property !== undefined && ts.isPropertyDeclaration(property)
    ? (property.initializer?.getText() ?? null)
    : null;
}

it('every error is described, and no error that does not exist', () => {
  expect(classes.length).toBeGreaterThan(15);
  expect(described.map(({ code }) => code).sort()).toEqual(classes.map(({ code }) => code).sort());
});

it('the document says the same of retries as the class', () => {
  for (const { code, retryable } of classes) {
    const expected = { true: 'yes', false: 'no' }[retryable ?? ''] ?? 'as its cause';
    expect(described.find((entry) => entry.code === code)?.retryable, code).toBe(expected);
  }
});

it('the document names the status that the server answers with', () => {
  const problem = read('packages/server/src/http/problem.ts');
  const statuses = new Map([...problem.matchAll(/^ {2}(\w+): (\d{3}),$/gm)].map((match) => [match[1], match[2]]));
  for (const { code, status } of described) expect(status, code).toBe(statuses.get(code));
});
