/**
 * A reader whose results say which state its functions really saw, whatever it believes of it: the reference knows no
 * such index, and the product's reader takes the word of its state for it. It must change nothing else.
 */
import {
  decodeToken,
  encodeToken,
  type ReadFunction,
  type ReadIndex,
  type ReadOptions,
  type ReadResult,
  type ReadView,
  type WaitOptions,
} from '../../../packages/quorate/src/reads/index.js';
import type { ClientReader } from '../../../packages/quorate/src/testing/simulator/index.js';

export class WitnessedReader implements ClientReader<unknown> {
  readonly #reader: ClientReader<unknown>;
  readonly #machine: { readonly appliedIndex: number };

  constructor(reader: ClientReader<unknown>, machine: { readonly appliedIndex: number }) {
    this.#reader = reader;
    this.#machine = machine;
  }

  async consistentRead<R>(fn: ReadFunction<unknown, R>, options?: ReadOptions): Promise<ReadResult<R>> {
    let appliedIndex = 0;
    const result = await this.#reader.consistentRead((tx, view) => {
      appliedIndex = this.#machine.appliedIndex;
      // Without its signal, which no function of the world takes.
      return fn(tx, { ...view, appliedIndex } as ReadView);
    }, options);
    const { source, term } = decodeToken(result.token);
    return { ...result, appliedIndex, token: encodeToken({ source, index: appliedIndex, term }) };
  }

  waitLeaderCommitIndexApplied(options?: WaitOptions): Promise<ReadIndex> {
    return this.#reader.waitLeaderCommitIndexApplied(options);
  }
}
