/**
 * What the documents promise about the repository: links lead somewhere, the words are those of the glossary, and what
 * ARCHITECTURE.md names exists. It must never excuse a document; a word is either fine everywhere or nowhere.
 */
import ts from 'typescript';
import { anchors, linkTargets, prose, tableRows } from './markdown.js';
import { exists, nodes, read, resolveFrom, sourceFile } from './repository.js';

export interface Document {
  readonly path: string;
  readonly text: string;
}

/** Relative links whose file, or whose heading in it, does not exist. */
export function deadLinks(document: Document): readonly string[] {
  return linkTargets(document.text).flatMap((target) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [path, anchor] = target.split('#') as [string, string?];
    const file = path === '' ? document.path : resolveFrom(document.path, path);
    if (!exists(file)) return [`${target}: there is no ${file}`];
    if (anchor === undefined || !file.endsWith('.md')) return [];
    const text = file === document.path ? document.text : read(file);
    return anchors(text).has(anchor) ? [] : [`${target}: ${file} has no such heading`];
  });
}

/** The words that the glossary replaces by its own, each with the word to use. */
export function bannedSynonyms(glossary: string): ReadonlyMap<string, string> {
  const banned = new Map<string, string>();
  for (const [term, , synonyms] of tableRows(glossary)) {
    for (const synonym of (synonyms ?? '').split(',')) {
      if (synonym.trim() !== '') banned.set(synonym.trim(), (term as string).replaceAll('`', ''));
    }
  }
  return banned;
}

/** Where a text uses a word that the glossary has replaced. */
export function usesOf(banned: ReadonlyMap<string, string>, text: string): readonly string[] {
  return [...banned].flatMap(([synonym, term]) => {
    const words = synonym.replaceAll(/[^\w\s-]/g, '').split(/\s+/);
    const found = new RegExp(`\\b${words.join('[\\s_-]+')}s?\\b`, 'i').exec(text);
    if (found === null) return [];
    const line = text.slice(0, found.index).split('\n').length;
    return [`line ${line}: "${found[0]}": the word is "${term}"`];
  });
}

/**
 * Functions that ARCHITECTURE.md names behind a link to a file, `[file](path) `name()``, and that the file does not
 * declare.
 */
export function missingFunctions(document: Document): readonly string[] {
  return namedFunctions(document).flatMap(({ path, name }) => {
    if (!exists(path)) return [`there is no ${path}`];
    return declares(path, read(path), name) ? [] : [`${path} declares no ${name}`];
  });
}

export function namedFunctions(document: Document): readonly { readonly path: string; readonly name: string }[] {
  const pattern = /\[`?[^\]]*\]\(([^)]+\.ts)\)((?:,?(?:\s+and)?\s+`#?\w+\(\)`)+)/g;
  return [...prose(document.text).matchAll(pattern)].flatMap(([, target, names]) =>
    [...(names as string).matchAll(/`(#?\w+)\(\)`/g)].map(([, name]) => ({
      path: resolveFrom(document.path, target as string),
      name: name as string,
    })),
  );
}

function declares(path: string, text: string, name: string): boolean {
  return nodes(sourceFile(path, text)).some((node) => {
    const isDeclaration =
      ts.isFunctionDeclaration(node) ||
      ts.isMethodDeclaration(node) ||
      ts.isVariableDeclaration(node) ||
      ts.isPropertyDeclaration(node) ||
      ts.isMethodSignature(node);
    return isDeclaration && node.name?.getText() === name;
  });
}
