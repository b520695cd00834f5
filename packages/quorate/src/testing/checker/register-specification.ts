/**
 * A register with read, write and compare-and-set. A comparison that failed is an observation: the register held
 * something else.
 */
import { NEVER_WRITTEN, type Operation } from '../history/operation.js';
import { ILLEGAL, Numbering, type Specification } from './specification.js';
import { contradictsZones } from './zones.js';

const ANY = -2;

/** Stands for all values that no operation looks for: which of them the register holds makes no difference. */
const UNOBSERVED = 'a value that nobody looked for';

/** `legal` is the only state in which it is legal (`except`: the only one in which it is not). */
interface Effect {
  readonly legal: number;
  readonly except: number;
  /** ANY: leaves the state as it is. */
  readonly next: number;
  readonly unknown: boolean;
}

export class RegisterSpecification implements Specification {
  readonly #values = new Numbering();
  readonly initial = this.#values.of(NEVER_WRITTEN);
  readonly #effects: readonly Effect[];
  readonly #classes: readonly number[];
  /** By value: operations not placed yet that must find it, and those that can bring it about. */
  readonly #needed: number[] = [];
  readonly #makers: number[] = [];
  /** Known from the beginning, for all states. */
  readonly #isImpossible: boolean;
  /** How many values are needed, and made by nothing that is left. */
  #starving = 0;

  constructor(operations: readonly Operation[]) {
    const classes = new Numbering();
    const observed = observedValues(operations);
    this.#effects = operations.map((operation) => this.#effectOf(operation, observed));
    this.#classes = this.#effects.map(({ legal, except, next }) => classes.of(`${legal} ${except} ${next}`));
    for (const _ of this.#values.texts) {
      this.#needed.push(0);
      this.#makers.push(0);
    }
    for (let operation = 0; operation < operations.length; operation += 1) this.#count(operation, 1);
    // Values that nobody looked for are one state here, though they are many: no zone may be made of them.
    const made = (next: number) => (this.#values.texts[next] === UNOBSERVED ? ANY : next);
    const uses = this.#effects.map(({ legal, next }) => ({ finds: legal, makes: made(next) }));
    const keeps = (value: number, operation: number) => this.step(value, operation) === value;
    this.#isImpossible = contradictsZones(operations, uses, this.initial, keeps);
  }

  step(state: number, operation: number): number {
    const { legal, except, next } = this.#effects[operation] as Effect;
    if (legal !== ANY && legal !== state) return ILLEGAL;
    if (except === state) return ILLEGAL;
    return next === ANY ? state : next;
  }

  isObserver(operation: number): boolean {
    const { next, legal } = this.#effects[operation] as Effect;
    return next === ANY || next === legal;
  }

  classOf(operation: number): number {
    return this.#classes[operation] as number;
  }

  place(operation: number): void {
    this.#count(operation, -1);
  }

  unplace(operation: number): void {
    this.#count(operation, 1);
  }

  isDead(state: number): boolean {
    return this.#isImpossible || this.#starving > (this.#isStarving(state) ? 1 : 0);
  }

  #effectOf({ action, outcome, result }: Operation, observed: ReadonlySet<string>): Effect {
    const effect = { legal: ANY, except: ANY, next: ANY, unknown: outcome === 'unknown' };
    const written = (value: string) => this.#values.of(observed.has(value) ? value : UNOBSERVED);
    switch (action.f) {
      case 'read':
        return result === null ? effect : { ...effect, legal: this.#values.of(result) };
      case 'write':
        return { ...effect, next: written(action.value) };
      case 'cas':
        if (outcome === 'mismatch') return { ...effect, except: this.#values.of(action.old) };
        return { ...effect, legal: this.#values.of(action.old), next: written(action.new) };
      default:
        throw new RangeError(`a register has no ${action.f}`);
    }
  }

  #count(operation: number, change: 1 | -1): void {
    const { legal, next, unknown } = this.#effects[operation] as Effect;
    if (legal !== ANY && !unknown) this.#change(this.#needed, legal, change);
    if (next !== ANY && next !== legal) this.#change(this.#makers, next, change);
  }

  #change(counts: number[], value: number, change: 1 | -1): void {
    const before = this.#isStarving(value);
    counts[value] = (counts[value] as number) + change;
    const after = this.#isStarving(value);
    if (before !== after) this.#starving += after ? 1 : -1;
  }

  #isStarving(value: number): boolean {
    return (this.#needed[value] as number) > 0 && this.#makers[value] === 0;
  }
}

/** The values that a read returned, or a comparison was made with, and the one that is there at first. */
function observedValues(operations: readonly Operation[]): ReadonlySet<string> {
  const values = new Set([NEVER_WRITTEN]);
  for (const { action, result } of operations) {
    if (result !== null) values.add(result);
    if (action.f === 'cas') values.add(action.old);
  }
  return values;
}
