/**
 * How long a check may take: in wall time, for people, in steps, for runs that must be deterministic, and in memory
 * always. It must never come back to life once it is spent.
 */
export interface BudgetOptions {
  readonly timeLimitMs?: number | undefined;
  readonly stepLimit?: number | undefined;
  readonly now?: (() => number) | undefined;
}

/** 256 MiB, of all keys together. */
const MOST_WORDS = 2 ** 26;
/** How many steps pass between two looks at the clock. */
const STEPS_PER_LOOK = 256;

export class Budget {
  readonly #now: () => number;
  readonly #end: number;
  readonly #stepLimit: number;
  #steps = 0;
  #words = 0;
  #spentOn: string | null = null;

  constructor({ timeLimitMs, stepLimit, now = () => performance.now() }: BudgetOptions) {
    this.#now = now;
    this.#end = timeLimitMs === undefined ? Number.POSITIVE_INFINITY : now() + timeLimitMs;
    this.#stepLimit = stepLimit ?? Number.POSITIVE_INFINITY;
  }

  /** Takes a step. False when there is nothing left to take it from. */
  step(): boolean {
    if (this.#spentOn !== null) return false;
    this.#steps += 1;
    if (this.#steps > this.#stepLimit) this.#spentOn = 'the limit of steps';
    else if (this.#steps % STEPS_PER_LOOK === 0 && this.#now() >= this.#end) this.#spentOn = 'the time limit';
    return this.#spentOn === null;
  }

  /** Takes so many words of memory, or gives them back when it is negative. */
  keep(words: number): void {
    this.#words += words;
    if (this.#words > MOST_WORDS) this.#spentOn ??= 'the limit of memory';
  }

  /** What was used up, null while there is some of everything. */
  get spentOn(): string | null {
    return this.#spentOn;
  }

  get steps(): number {
    return this.#steps;
  }
}
