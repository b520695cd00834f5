/**
 * Reads Markdown as far as the tests need it: links, headings, tables and fenced blocks. It must never see a link or a
 * heading inside a fenced block.
 */

export interface FencedBlock {
  /** The word after the fence; empty when there is none. */
  readonly language: string;
  readonly text: string;
  /** Line of the opening fence, counted from 1. */
  readonly line: number;
}

/** The fenced blocks, in order. */
export function fencedBlocks(markdown: string): readonly FencedBlock[] {
  const blocks: FencedBlock[] = [];
  let open: { language: string; lines: string[]; line: number } | null = null;
  for (const [i, line] of markdown.split('\n').entries()) {
    if (open === null) {
      const fence = /^\s*```\s*(\S*)/.exec(line);
      if (fence !== null) open = { language: fence[1] as string, lines: [], line: i + 1 };
    } else if (/^\s*```\s*$/.test(line)) {
      blocks.push({ language: open.language, text: `${open.lines.join('\n')}\n`, line: open.line });
      open = null;
    } else {
      open.lines.push(line);
    }
  }
  if (open !== null) throw new Error(`the block opened in line ${open.line} is never closed`);
  return blocks;
}

/** The text with its fenced blocks blanked out, so that line numbers stay. */
export function prose(markdown: string): string {
  let inside = false;
  const lines = markdown.split('\n').map((line) => {
    const isFence = /^\s*```/.test(line);
    const blank = inside || isFence;
    if (isFence) inside = !inside;
    return blank ? '' : line;
  });
  return lines.join('\n');
}

/** Targets of `[text](target)`, without images' titles. */
export function linkTargets(markdown: string): readonly string[] {
  const text = prose(markdown).replaceAll(/`[^`]*`(?!\])/g, '');
  return [...text.matchAll(/\[[^\]]*\]\(([^)\s]+)[^)]*\)/g)].map((match) => match[1] as string);
}

/** The anchors that headings get: lower case, without punctuation, spaces as hyphens. */
export function anchors(markdown: string): ReadonlySet<string> {
  const headings = [...prose(markdown).matchAll(/^#{1,6}\s+(.*?)\s*$/gm)].map((match) => match[1] as string);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** The cells of every table row, heading and ruler rows apart. */
export function tableRows(markdown: string): readonly (readonly string[])[] {
  const lines = prose(markdown).split('\n');
  return lines.flatMap((line, i) => {
    const isRow = line.startsWith('|') && !/^\|[\s:|-]+\|$/.test(line);
    const isHeading = /^\|[\s:|-]+\|$/.test(lines[i + 1] ?? '');
    if (!isRow || isHeading) return [];
    return [
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    ];
  });
}
