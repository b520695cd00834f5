/**
 * The arguments of one command, each of which has to be asked for: what a command does not know is an error of the
 * scenario, and must never be ignored.
 */
import type { NodeId } from '../../../packages/quorate/src/core/index.js';
import type { Directive } from './data-driven.js';
import { MESSAGE_NAMES } from './message-text.js';
import type { Route } from './network.js';

export class Arguments {
  readonly #positional: string[];
  readonly #named: Map<string, readonly string[]>;
  /** How many the command has taken by position and by name. */
  #taken = 0;
  readonly #asked = new Set<string>();

  constructor({ args }: Directive) {
    this.#positional = args.filter(({ values }) => values.length === 0).map(({ key }) => key);
    this.#named = new Map(args.filter(({ values }) => values.length > 0).map(({ key, values }) => [key, values]));
  }

  /** The next argument without a name. */
  word(): string {
    const word = this.#positional[this.#taken++];
    if (word === undefined) throw new Error('an argument is missing');
    return word;
  }

  number(): number {
    return numberOf(this.word());
  }

  /** The arguments without a name that are left. */
  words(): readonly string[] {
    const rest = this.#positional.slice(this.#taken);
    this.#taken = this.#positional.length;
    return rest;
  }

  list(name: string): readonly string[] {
    this.#asked.add(name);
    return this.#named.get(name) ?? [];
  }

  numberOf(name: string): number | undefined {
    const [value] = this.list(name);
    return value === undefined ? undefined : numberOf(value);
  }

  /** The only value of an argument that must be there. */
  value(name: string): string {
    const [value] = this.list(name);
    if (value === undefined) throw new Error(`the argument ${name} is missing`);
    return value;
  }

  /** `true` or, if it is not there, false. */
  flag(name: string): boolean {
    const [value = 'false'] = this.list(name);
    if (value !== 'true' && value !== 'false') throw new Error(`${name}: true or false, not ${value}`);
    return value === 'true';
  }

  /** `type=MsgApp`; null if it is not there. */
  messageType(): string | null {
    const [type] = this.list('type');
    if (type !== undefined && !MESSAGE_NAMES.includes(type)) throw new Error(`no message is named ${type}`);
    return type ?? null;
  }

  /** `FROM TO [type=…]`, `*` for any node; without arguments everything, where that is allowed. */
  route({ mayBeAll = false }: { readonly mayBeAll?: boolean } = {}): Route {
    const type = this.messageType();
    if (mayBeAll && this.#positional.length === 0) return { from: null, to: null, type };
    const end = (word: string): NodeId | null => (word === '*' ? null : word);
    return { from: end(this.word()), to: end(this.word()), type };
  }

  /** To be called when everything was asked for. */
  finish(): void {
    const unknown = [...this.#named.keys()].filter((name) => !this.#asked.has(name));
    const left = [...this.#positional.slice(this.#taken), ...unknown];
    if (left.length > 0) throw new Error(`the command does not know ${left.join(' ')}`);
  }
}

export function numberOf(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${text} is not a number`);
  return Number(text);
}
