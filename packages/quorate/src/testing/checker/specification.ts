/**
 * What the search has to know of an object, as a function of one key's operations: how each of them changes the state,
 * and when nothing can come of a state any more. States are small whole numbers; equal states have equal numbers.
 */

/** No next state: the outcome of the operation contradicts the state. */
export const ILLEGAL = -1;

/** Operations are named by their index among those of the key. */
export interface Specification {
  readonly initial: number;
  /** The state after the operation, or ILLEGAL. An operation of unknown outcome is stepped as if it had happened. */
  step(state: number, operation: number): number;
  /** True when the operation changes no state in which it is legal. */
  isObserver(operation: number): boolean;
  /** Operations of one class have the same effect in every state. */
  classOf(operation: number): number;
  /** Told of every operation that is put into the order, and taken out again. */
  place(operation: number): void;
  unplace(operation: number): void;
  /** True when the operations that are not placed yet cannot all follow on this state. May miss some, never errs. */
  isDead(state: number): boolean;
}

/** Numbers for texts, the same for equal ones, from 0 on. */
export class Numbering {
  readonly texts: string[] = [];
  readonly #numbers = new Map<string, number>();

  of(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.texts.length);
    return this.texts.push(text) - 1;
  }
}
