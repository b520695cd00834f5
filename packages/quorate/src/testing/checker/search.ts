/**
 * The search for an order of one key's operations (Wing and Gong 1993; Lowe 2017, with the configurations remembered).
 * It branches only where it has to; every shortcut below says why no verdict depends on it.
 *
 * - An observer that is legal now is placed at once: it changes nothing, so it can always be moved forward to here.
 * - Of operations of one class only the one answered first is tried: in any order that takes another one first, the two
 *   can change places. Unknown outcomes are answered last of all.
 * - A configuration that differs from an earlier one only in that more of the unknown operations are used up is left.
 * - An operation of unknown outcome is placed only when the next one cannot do without it: if the next one is legal
 *   before it and leads to the same state, with it moved behind or left out, then that order is as good. It was never
 *   answered, so it may always come later, or not at all.
 */
import type { Operation } from '../history/operation.js';
import type { Budget } from './budget.js';
import { Configurations } from './configurations.js';
import { PlacedSet } from './placed-set.js';
import { ILLEGAL, type Specification } from './specification.js';
import { Timeline } from './timeline.js';

/** `paused`: the steps that it was given are over. */
export type SearchState = 'found' | 'impossible' | 'paused';

/** One point of the search, with what can be tried from it. */
interface Point {
  readonly state: number;
  /** How many operations are placed here. */
  readonly placed: number;
  readonly alternatives: readonly number[];
  tried: number;
}

/** What was placed last, when its outcome is unknown: the next operation has to justify it. */
interface Unjustified {
  readonly operation: number;
  /** The state before it. */
  readonly before: number;
}

const NONE = -1;

export class Search {
  readonly #operations: readonly Operation[];
  readonly #specification: Specification;
  readonly #budget: Budget;
  readonly #timeline: Timeline;
  /** The place of each operation in an order that may be right. */
  readonly #likely: readonly number[] | null;
  readonly #configurations = new Configurations();
  readonly #placed: PlacedSet;
  readonly #order: number[] = [];
  readonly #points: Point[] = [];
  /** Operations of unknown outcome that may have changed something, by class, in the order of their calls. */
  readonly #unknown: readonly (readonly number[])[];
  #started = false;
  #state: SearchState = 'paused';

  /** `operations` are those of one key in the order of their calls; the specification knows them by their index. */
  constructor(
    operations: readonly Operation[],
    specification: Specification,
    { budget, likelyOrder }: { budget: Budget; likelyOrder?: ((operation: Operation) => number) | undefined },
  ) {
    this.#operations = operations;
    this.#specification = specification;
    this.#budget = budget;
    this.#likely = likelyOrder === undefined ? null : operations.map(likelyOrder);
    this.#timeline = new Timeline(operations);
    this.#placed = new PlacedSet(operations);
    const byClass = new Map<number, number[]>();
    for (const [index, { outcome }] of operations.entries()) {
      if (outcome !== 'unknown' || specification.isObserver(index)) continue;
      const ofClass = byClass.get(specification.classOf(index)) ?? [];
      byClass.set(specification.classOf(index), ofClass);
      ofClass.push(index);
    }
    this.#unknown = [...byClass.values()];
  }

  /** Searches on, for at most so many steps, and no longer than the budget lasts. */
  run(steps: number): SearchState {
    if (this.#state !== 'paused') return this.#state;
    for (let left = steps; left > 0 && this.#budget.step(); left -= 1) {
      const state = this.#step();
      if (state !== 'paused') {
        this.#state = state;
        // It is not used again, and its owner may drop it.
        this.#budget.keep(-this.#configurations.size);
        break;
      }
    }
    return this.#state;
  }

  /** When found: the order, without those of unknown outcome that need not have happened. */
  get order(): readonly number[] {
    return this.#order;
  }

  #step(): SearchState {
    if (!this.#started) {
      this.#started = true;
      return this.#enter(this.#specification.initial, null);
    }
    const point = this.#points.at(-1);
    if (point === undefined) return 'impossible';
    while (this.#order.length > point.placed) this.#takeBack();
    const operation = point.alternatives[point.tried];
    if (operation === undefined) {
      this.#points.pop();
      return 'paused';
    }
    point.tried += 1;
    this.#place(operation);
    const unjustified = this.#isUnknown(operation) ? { operation, before: point.state } : null;
    return this.#enter(this.#specification.step(point.state, operation), unjustified);
  }

  /** Comes to a state. Opens a point unless nothing can come of it, or it has been here before. */
  #enter(state: number, unjustified: Unjustified | null): SearchState {
    const placed = this.#order.length;
    const changing: number[] = [];
    const firstAnswered = this.#timeline.candidates((operation) => {
      if (this.#specification.step(state, operation) === ILLEGAL) return false;
      if (!this.#specification.isObserver(operation)) changing.push(operation);
      else this.#place(operation);
      return this.#specification.isObserver(operation);
    });
    if (firstAnswered === NONE) return 'found';
    // Observers that were legal before it had been placed then: what was placed now could not do without it.
    const toJustify = this.#order.length > placed ? null : unjustified;
    if (this.#specification.isDead(state) || !this.#isNew(state, toJustify, firstAnswered)) return 'paused';
    const alternatives = this.#alternatives(state, changing, firstAnswered, toJustify);
    if (alternatives.length > 0) this.#points.push({ state, placed: this.#order.length, alternatives, tried: 0 });
    return 'paused';
  }

  /**
   * The one answered first comes first: it is the most likely to be next, unless an order is known that may be right.
   * Unknown ones are the last resort.
   */
  #alternatives(
    state: number,
    changing: readonly number[],
    firstAnswered: number,
    unjustified: Unjustified | null,
  ): readonly number[] {
    const ofClass = new Map<number, number>();
    for (const operation of changing) {
      const kind = this.#specification.classOf(operation);
      const other = ofClass.get(kind);
      if (other === undefined || this.#answer(operation) < this.#answer(other)) ofClass.set(kind, operation);
    }
    const known = [...ofClass.values()].sort((a, b) => this.#answer(a) - this.#answer(b));
    const before = this.#answer(firstAnswered);
    const unknown = this.#unknown.flatMap((all) => {
      const operation = all.find((index) => !this.#placed.has(index));
      if (operation === undefined || (this.#operations[operation] as Operation).call > before) return [];
      if (ofClass.has(this.#specification.classOf(operation))) return [];
      const next = this.#specification.step(state, operation);
      return next === ILLEGAL || next === state ? [] : [operation];
    });
    const all = this.#likelyFirst([...known, ...unknown]);
    return unjustified === null ? all : all.filter((operation) => this.#justifies(operation, state, unjustified));
  }

  #likelyFirst(alternatives: readonly number[]): readonly number[] {
    const likely = this.#likely;
    if (likely === null) return alternatives;
    // Without subtraction: of two that have no place, both are at Infinity.
    const placeOf = (operation: number) => Math.min(likely[operation] as number, Number.MAX_SAFE_INTEGER);
    return [...alternatives].sort((a, b) => placeOf(a) - placeOf(b));
  }

  /**
   * False when the order is as good with the unknown operation left out, or moved behind this one. Two unknown ones are
   * not exchanged: that could go on for ever.
   */
  #justifies(operation: number, state: number, unjustified: Unjustified): boolean {
    const next = this.#specification.step(state, operation);
    const without = this.#specification.step(unjustified.before, operation);
    if (without === ILLEGAL) return true;
    if (without === next) return false;
    return this.#isUnknown(operation) || this.#specification.step(without, unjustified.operation) !== next;
  }

  #isNew(state: number, unjustified: Unjustified | null, firstAnswered: number): boolean {
    const { operation, before } = unjustified ?? { operation: NONE, before: NONE };
    const kind = operation === NONE ? NONE : this.#specification.classOf(operation);
    const { firstCalled } = this.#timeline;
    const configuration = this.#placed.configuration(state, [kind, before], firstCalled, firstAnswered);
    const { size } = this.#configurations;
    const isNew = this.#configurations.add(configuration);
    this.#budget.keep(this.#configurations.size - size);
    return isNew;
  }

  #place(operation: number): void {
    if (!this.#isUnknown(operation)) this.#timeline.lift(operation);
    this.#placed.add(operation);
    this.#specification.place(operation);
    this.#order.push(operation);
  }

  #takeBack(): void {
    const operation = this.#order.pop() as number;
    this.#specification.unplace(operation);
    this.#placed.delete(operation);
    if (!this.#isUnknown(operation)) this.#timeline.putBack(operation);
  }

  #isUnknown(operation: number): boolean {
    return (this.#operations[operation] as Operation).outcome === 'unknown';
  }

  #answer(operation: number): number {
    return (this.#operations[operation] as Operation).answer;
  }
}
