/**
 * Reads EDN, the notation of Clojure's data, as far as histories use it: everything is read, so that what is not needed
 * can be skipped safely, but only equality is kept of it. It must never recurse deeper than it was told to.
 */
import { MalformedHistory } from './malformed-history.js';

export type EdnValue =
  /** Numbers, keywords, symbols, characters, true, false, and nil: their text, the same for equal ones. */
  | { readonly kind: 'atom'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string }
  /** Lists and vectors: equal when their items are. */
  | { readonly kind: 'sequence'; readonly items: readonly EdnValue[] }
  | { readonly kind: 'set'; readonly items: readonly EdnValue[] }
  | { readonly kind: 'map'; readonly items: readonly EdnValue[]; readonly line: number }
  | { readonly kind: 'tagged'; readonly tag: string; readonly value: EdnValue };

const CLOSING: Readonly<Record<string, string>> = { '[': ']', '(': ')', '{': '}', '#{': '}' };
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '"': '"', '\\': '\\' };
const DEEPEST = 100;
const TOKEN = /[^\s,()[\]{}";]+/y;
const SPACE = /(?:[\s,]+|;[^\n]*)+/y;

export class EdnReader {
  readonly #source: string;
  /** Number of the line at which the source begins. */
  readonly #firstLine: number;
  #at = 0;
  #countedTo = 0;
  #lines = 0;

  constructor(source: string, firstLine = 1) {
    this.#source = source;
    this.#firstLine = firstLine;
  }

  /** The next value at the top, null at the end. Throws MalformedHistory. */
  next(): EdnValue | null {
    return this.#value(0, null);
  }

  /** The line of what is read next. */
  get line(): number {
    for (;;) {
      const at = this.#source.indexOf('\n', this.#countedTo);
      if (at === -1 || at >= this.#at) break;
      this.#lines += 1;
      this.#countedTo = at + 1;
    }
    return this.#firstLine + this.#lines;
  }

  /** Null at `closing`, which is consumed, or at the end when there is nothing to close. */
  #value(depth: number, closing: string | null): EdnValue | null {
    if (depth > DEEPEST) throw this.#error(`nested deeper than ${DEEPEST} levels`);
    for (;;) {
      this.#match(SPACE);
      const char = this.#source[this.#at];
      if (char === undefined) {
        if (closing === null) return null;
        throw this.#error(`expected ${closing}, found the end`);
      }
      if (')]}'.includes(char)) {
        if (char !== closing) throw this.#error(`found ${char} where nothing is open that it closes`);
        this.#at += 1;
        return null;
      }
      const value = this.#form(char, depth);
      if (value !== null) return value;
    }
  }

  /** Null for what stands for nothing: a discarded form, metadata. */
  #form(char: string, depth: number): EdnValue | null {
    if (char === '"') return this.#string();
    if (char === '[' || char === '(') return { kind: 'sequence', items: this.#items(char, depth) };
    if (char === '{') {
      const { line } = this;
      const items = this.#items(char, depth);
      if (items.length % 2 !== 0) throw new MalformedHistory(`line ${line}`, 'this map has a key without a value');
      return { kind: 'map', items, line };
    }
    if (char === '#') return this.#dispatch(depth);
    if (char === '^') {
      this.#at += 1;
      this.#required(depth);
      return null;
    }
    if (char === '\\') return this.#character();
    const token = this.#match(TOKEN);
    if (token === '') throw this.#error(`found ${JSON.stringify(char)}`);
    return { kind: 'atom', text: atomText(token) };
  }

  #dispatch(depth: number): EdnValue | null {
    const after = this.#source[this.#at + 1];
    if (after === '{') return { kind: 'set', items: this.#items('#{', depth) };
    if (after === '_') {
      this.#at += 2;
      this.#required(depth);
      return null;
    }
    this.#at += 1;
    if (after === '"') return this.#string();
    const tag = this.#match(TOKEN);
    if (tag === '') throw this.#error('found # without a tag');
    if (tag.startsWith('#')) return { kind: 'atom', text: `#${tag}` };
    return { kind: 'tagged', tag, value: this.#required(depth) };
  }

  #required(depth: number): EdnValue {
    const value = this.#value(depth + 1, null);
    if (value === null) throw this.#error('expected a value, found the end');
    return value;
  }

  #items(open: string, depth: number): readonly EdnValue[] {
    this.#at += open.length;
    const items: EdnValue[] = [];
    for (;;) {
      const item = this.#value(depth + 1, CLOSING[open] as string);
      if (item === null) return items;
      items.push(item);
    }
  }

  #string(): EdnValue {
    const begin = this.#at;
    let text = '';
    let from = begin + 1;
    for (let at = from; at < this.#source.length; at += 1) {
      const char = this.#source[at];
      if (char === '"') {
        this.#at = at + 1;
        return { kind: 'string', text: text + this.#source.slice(from, at) };
      }
      if (char !== '\\') continue;
      text += this.#source.slice(from, at);
      at += 1;
      const code = /^u([0-9a-fA-F]{4})/.exec(this.#source.slice(at, at + 5))?.[1];
      // An escape that EDN does not know stands for itself: porcupine's values are not escaped at all.
      text += code === undefined ? (ESCAPES[this.#source[at] ?? ''] ?? `\\${this.#source[at] ?? ''}`) : hex(code);
      if (code !== undefined) at += 4;
      from = at + 1;
    }
    throw this.#error('this text has no closing quotation mark');
  }

  #character(): EdnValue {
    const rest = this.#source.slice(this.#at + 1, this.#at + 2);
    this.#at += 1 + rest.length;
    return { kind: 'atom', text: `\\${rest}${/\w/.test(rest) ? this.#match(TOKEN) : ''}` };
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#source)?.[0] ?? '';
    this.#at += text.length;
    return text;
  }

  #error(message: string): MalformedHistory {
    return new MalformedHistory(`line ${this.line}`, `this is not EDN: ${message}`);
  }
}

function hex(code: string): string {
  return String.fromCharCode(Number.parseInt(code, 16));
}

/** Equal numbers get equal texts; whole numbers and others are never equal, as in Clojure. */
function atomText(token: string): string {
  if (token === 'nil') return 'null';
  if (/^[+-]?\d+N?$/.test(token)) return String(BigInt(token.replace(/N$/, '').replace(/^\+/, '')));
  if (!/^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?M?$/.test(token)) return token;
  const number = String(Number(token.replace(/M$/, '')));
  return /^-?\d+$/.test(number) ? `${number}.0` : number;
}

/** One text for each value, as `canonicalText` makes for JSON. */
export function ednText(value: EdnValue): string {
  switch (value.kind) {
    case 'atom':
      return value.text;
    case 'string':
      return JSON.stringify(value.text);
    case 'sequence':
      return `[${value.items.map(ednText).join(' ')}]`;
    case 'set':
      return `#{${value.items.map(ednText).sort().join(' ')}}`;
    case 'map':
      return `{${pairs(value.items)
        .map(([key, of]) => `${ednText(key)} ${ednText(of)}`)
        .sort()
        .join(', ')}}`;
    case 'tagged':
      return `#${value.tag} ${ednText(value.value)}`;
  }
}

/** The keys and values of a map. */
export function pairs(items: readonly EdnValue[]): readonly (readonly [EdnValue, EdnValue])[] {
  return Array.from({ length: items.length / 2 }, (_, i) => [items[2 * i], items[2 * i + 1]] as [EdnValue, EdnValue]);
}
