/**
 * What a rule of the tidy test is. A rule brings samples that it must catch, so that none can pass because it looks at
 * nothing, and may bring samples that it must let through.
 */
import type { SourceFile } from './repository.js';

export interface Sample {
  readonly path: string;
  readonly text: string;
}

export interface Rule {
  /** A sentence that holds for every file. */
  readonly name: string;
  /** Says what is wrong with the file; empty when nothing is. */
  check(file: SourceFile): readonly string[];
  readonly bad: readonly Sample[];
  readonly good?: readonly Sample[];
}
