/**
 * Which pieces the texts of a history are made of, where that is certain: when no piece begins with another one, a text
 * is the concatenation of one sequence of pieces only. It must never guess: otherwise there is no decomposition.
 */

const ROOT = 0;

/** A tree of pieces: a text is the way from the root to its node. */
export class Decomposition {
  readonly #parent: number[] = [ROOT];
  readonly #piece: string[] = [''];
  readonly #children: Map<string, number>[] = [new Map()];
  readonly #nodeOf = new Map<string, number>();
  readonly #used = new Set<string>();

  private constructor(pieces: ReadonlySet<string>, texts: readonly string[]) {
    const lengths = [...new Set([...pieces].map(({ length }) => length))];
    let [before, node] = ['', ROOT];
    // In this order a text often begins with the one before it, which is decomposed already.
    for (const text of [...new Set(texts)].sort()) {
      const from = text.startsWith(before) && this.#nodeOf.has(before) ? before.length : 0;
      node = this.#descend(from === 0 ? ROOT : node, text, from, pieces, lengths);
      if (node !== NO_NODE) this.#nodeOf.set(text, node);
      before = text;
    }
  }

  /** Null when a piece begins with another one, or is empty. */
  static of(pieces: ReadonlySet<string>, texts: readonly string[]): Decomposition | null {
    const sorted = [...pieces].sort();
    const ambiguous = sorted.some((piece, index) => piece === '' || sorted[index + 1]?.startsWith(piece) === true);
    return ambiguous ? null : new Decomposition(pieces, texts);
  }

  /** Whether one of the texts has this piece. */
  uses(piece: string): boolean {
    return this.#used.has(piece);
  }

  /** The pieces of one of the texts, the last one first; null when it is not made of pieces. */
  piecesOf(text: string): readonly string[] | null {
    const pieces: string[] = [];
    let node = this.#nodeOf.get(text);
    if (node === undefined) return null;
    for (; node !== ROOT; node = this.#parent[node] as number) pieces.push(this.#piece[node] as string);
    return pieces;
  }

  #descend(node: number, text: string, from: number, pieces: ReadonlySet<string>, lengths: readonly number[]): number {
    let at = from;
    while (at < text.length) {
      const length = lengths.find((candidate) => pieces.has(text.slice(at, at + candidate)));
      if (length === undefined) return NO_NODE;
      node = this.#child(node, text.slice(at, at + length));
      at += length;
    }
    return node;
  }

  #child(node: number, piece: string): number {
    const children = this.#children[node] as Map<string, number>;
    const known = children.get(piece);
    if (known !== undefined) return known;
    const child = this.#parent.push(node) - 1;
    this.#piece.push(piece);
    this.#children.push(new Map());
    this.#used.add(piece);
    children.set(piece, child);
    return child;
  }
}

const NO_NODE = -1;
