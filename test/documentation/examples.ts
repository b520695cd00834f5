/**
 * Turns a document into what has to be run: shell blocks, TypeScript blocks, and the output that a following `text`
 * block expects of them. It must never leave a block out: one in another language that is not mere text is a fault of
 * the document.
 */
import { fencedBlocks } from '../tidy/markdown.js';

export interface Example {
  readonly language: 'sh' | 'ts';
  readonly text: string;
  /** Line of the opening fence in the document. */
  readonly line: number;
  /** What it prints; null when the document does not say. */
  readonly expected: string | null;
}

const shown = ['text', 'mermaid'];

export function examples(markdown: string): readonly Example[] {
  const blocks = fencedBlocks(markdown);
  return blocks.flatMap(({ language, text, line }, i) => {
    if (shown.includes(language)) return [];
    if (language !== 'sh' && language !== 'ts') {
      throw new Error(`line ${line}: a block of ${language || 'no language'} is neither run nor text`);
    }
    const next = blocks[i + 1];
    return [{ language, text, line, expected: next?.language === 'text' ? next.text : null }];
  });
}

/**
 * True when the output is the expected one. `…` stands for anything within a line, and on a line of its own for any
 * lines.
 */
export function outputMatches(expected: string, actual: string): boolean {
  const pattern = expected
    .trim()
    .split('\n')
    .map((line) =>
      line.trim() === '…' ? '(?:.*\\n)*?' : `${line.trimEnd().split('…').map(literally).join('.*')}[ \\t]*\\n`,
    )
    .join('');
  return new RegExp(`^${pattern}$`).test(`${actual.trim()}\n`);
}

function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
