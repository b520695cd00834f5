/**
 * One key of a store with put, append and get: a text that starts empty. Only texts with which the result of some get
 * begins are told apart; all others are one state, which no get can ever see, and which only a put leaves.
 */
import type { Operation } from '../history/operation.js';
import { Decomposition } from './decomposition.js';
import { ILLEGAL, Numbering, type Specification } from './specification.js';

/** How many of the gets that are to be answered next are held against a state. */
const LOOK_AHEAD = 32;
const UNSEEN = 0;

interface Effect {
  /** `forget`: leads to the unseen state from everywhere. `nothing`: changes nothing, and sees nothing. */
  readonly kind: 'put' | 'append' | 'get' | 'forget' | 'nothing';
  readonly text: string;
}

/** A get whose result is known, as an element of a list from which placed ones are taken out. */
interface PendingGet {
  readonly text: string;
  /** The puts with which its text can begin. */
  readonly puts: readonly number[];
  /** Operations without which the text cannot be made anew. Filled when first needed. */
  needs: readonly number[] | null;
  previous: PendingGet | null;
  next: PendingGet | null;
}

export class KeyValueSpecification implements Specification {
  readonly #states = new Numbering();
  readonly initial: number;
  /** All texts that gets returned, in order. */
  readonly #seen: readonly string[];
  readonly #decomposition: Decomposition | null;
  readonly #effects: readonly Effect[];
  readonly #classes: readonly number[];
  /** The only operation that writes a text. */
  readonly #writerOf = new Map<string, number | null>();
  /** The state after an operation, by state and operation: the search comes back. */
  readonly #steps = new Map<number, number>();
  readonly #placed: Uint8Array;
  readonly #gets = new Map<number, PendingGet>();
  readonly #firstGet: PendingGet = { text: '', puts: [], needs: [], previous: null, next: null };

  constructor(operations: readonly Operation[]) {
    this.#states.of('(unseen)');
    this.#seen = [...new Set(operations.flatMap(({ result }) => (result === null ? [] : [result])))].sort();
    for (const [index, { action }] of operations.entries()) {
      if (action.f !== 'put' && action.f !== 'append') continue;
      this.#writerOf.set(action.value, this.#writerOf.has(action.value) ? null : index);
    }
    this.#decomposition = Decomposition.of(new Set(this.#writerOf.keys()), this.#seen);
    this.initial = this.#stateOf('');
    const classes = new Numbering();
    this.#effects = operations.map((operation) => this.#effectOf(operation));
    this.#classes = this.#effects.map(({ kind, text }) => classes.of(`${kind} ${text}`));
    this.#placed = new Uint8Array(operations.length);
    this.#linkGets(operations);
  }

  step(state: number, operation: number): number {
    const { kind, text } = this.#effect(operation);
    switch (kind) {
      case 'nothing':
        return state;
      case 'forget':
        return UNSEEN;
      case 'get':
        return state !== UNSEEN && this.#states.texts[state] === text ? state : ILLEGAL;
      case 'put':
      case 'append':
        return this.#write(state, operation);
    }
  }

  isObserver(operation: number): boolean {
    const { kind } = this.#effect(operation);
    return kind === 'get' || kind === 'nothing';
  }

  classOf(operation: number): number {
    return this.#classes[operation] as number;
  }

  place(operation: number): void {
    this.#placed[operation] = 1;
    const get = this.#gets.get(operation);
    if (get === undefined) return;
    (get.previous as PendingGet).next = get.next;
    if (get.next !== null) get.next.previous = get.previous;
  }

  unplace(operation: number): void {
    this.#placed[operation] = 0;
    const get = this.#gets.get(operation);
    if (get === undefined) return;
    (get.previous as PendingGet).next = get;
    if (get.next !== null) get.next.previous = get;
  }

  /** A get follows when its text begins with this state, or can still be made anew. */
  isDead(state: number): boolean {
    const text = this.#states.texts[state] as string;
    let get = this.#firstGet.next;
    for (let looked = 0; looked < LOOK_AHEAD && get !== null; looked += 1) {
      const extendsState = state !== UNSEEN && get.text.startsWith(text);
      if (!extendsState && !this.#canBeMadeAnew(get)) return true;
      get = get.next;
    }
    return false;
  }

  #canBeMadeAnew(get: PendingGet): boolean {
    if (get.puts.every((put) => this.#placed[put] === 1)) return false;
    get.needs ??= this.#needsOf(get.text);
    return get.needs.every((operation) => this.#placed[operation] === 0);
  }

  /** The operations that nothing can take the place of. */
  #needsOf(text: string): readonly number[] {
    const pieces = this.#decomposition?.piecesOf(text) ?? [];
    return pieces.flatMap((piece) => this.#writerOf.get(piece) ?? []);
  }

  #write(state: number, operation: number): number {
    const { kind, text } = this.#effect(operation);
    if (kind === 'append' && state === UNSEEN) return UNSEEN;
    const step = state * this.#effects.length + operation;
    let next = this.#steps.get(step);
    if (next === undefined) {
      next = this.#stateOf(kind === 'append' ? (this.#states.texts[state] as string) + text : text);
      this.#steps.set(step, next);
    }
    return next;
  }

  /** The text as a state; UNSEEN when no get returned anything that begins with it. */
  #stateOf(text: string): number {
    let [from, to] = [0, this.#seen.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#seen[middle] as string) < text) from = middle + 1;
      else to = middle;
    }
    const seen = this.#seen[from];
    // A piece of a text that is kept anyway needs no memory of its own.
    return seen?.startsWith(text) === true ? this.#states.of(seen.slice(0, text.length)) : UNSEEN;
  }

  #effectOf({ action, result }: Operation): Effect {
    switch (action.f) {
      case 'get':
        return result === null ? { kind: 'nothing', text: '' } : { kind: 'get', text: result };
      case 'put':
        return this.#stateOf(action.value) === UNSEEN
          ? { kind: 'forget', text: '' }
          : { kind: 'put', text: action.value };
      case 'append':
        if (action.value === '') return { kind: 'nothing', text: '' };
        return this.#decomposition?.uses(action.value) === false
          ? { kind: 'forget', text: '' }
          : { kind: 'append', text: action.value };
      default:
        throw new RangeError(`a key-value store has no ${action.f}`);
    }
  }

  #linkGets(operations: readonly Operation[]): void {
    const indexes = operations.map((_, index) => index);
    const answer = (index: number) => (operations[index] as Operation).answer;
    const puts = indexes.filter((index) => this.#effect(index).kind === 'put');
    const gets = indexes.filter((index) => this.#effect(index).kind === 'get');
    let previous = this.#firstGet;
    for (const index of gets.sort((a, b) => answer(a) - answer(b))) {
      const { text } = this.#effect(index);
      const beginnings = puts.filter((put) => text.startsWith(this.#effect(put).text));
      const get: PendingGet = { text, puts: beginnings, needs: null, previous, next: null };
      previous.next = get;
      this.#gets.set(index, get);
      previous = get;
    }
  }

  #effect(operation: number): Effect {
    return this.#effects[operation] as Effect;
  }
}
