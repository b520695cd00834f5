/**
 * What the simulated cluster replicates unless its user says otherwise: keys with numbers, written blindly or by
 * comparison. No number is ever written twice, so that a read tells which write it saw; results tell what the write
 * found, so that a replay can tell whether it is true.
 */
import { type CommandCodec, MemoryStateMachine, type StateMachine } from '../../node/index.js';
import type { Application, ApplicationRead, HistoryStep } from './application.js';
import type { Prng } from './prng.js';

export interface RegisterCommand {
  readonly key: number;
  readonly value: number;
  /** What the key has to hold; null: nothing yet; undefined: whatever it holds. */
  readonly expected: number | null | undefined;
  /** Bytes of zeros behind the command, to make it large. */
  readonly padding: number;
}

export interface RegisterResult {
  /** False when the comparison failed. */
  readonly held: boolean;
  /** What the key held before. */
  readonly previous: number | null;
}

export type Registers = ReadonlyMap<number, number>;

export interface RegisterApplicationOptions {
  /** How many keys there are, 1 to 65,535. Default 4. */
  readonly keys?: number | undefined;
  /** The share of writes that compare. Default 0.4. */
  readonly compares?: number | undefined;
  /** Default 0. */
  readonly maxPaddingBytes?: number | undefined;
}

const VERSION = 1;
const KIND = { put: 0, compare: 1, compareNothing: 2 } as const;
const HEAD_BYTES = 20;

export class RegisterApplication implements Application<RegisterCommand, RegisterResult, Registers> {
  readonly #keys: number;
  readonly #compares: number;
  readonly #maxPaddingBytes: number;
  /** What was read or written lately, by key: comparisons expect it, so that they often hold. */
  readonly #lately = new Map<number, number | null>();

  constructor({ keys = 4, compares = 0.4, maxPaddingBytes = 0 }: RegisterApplicationOptions = {}) {
    this.#keys = keys;
    this.#compares = compares;
    this.#maxPaddingBytes = maxPaddingBytes;
  }

  createStateMachine(): StateMachine<RegisterCommand, RegisterResult, Registers> {
    return new MemoryStateMachine<Map<number, number>, RegisterCommand, RegisterResult>({
      codec,
      create: () => new Map(),
      apply: (state, { key, value, expected }) => {
        const previous = state.get(key) ?? null;
        const held = expected === undefined || expected === previous;
        if (held) state.set(key, value);
        return { held, previous };
      },
      snapshots: { save: (state) => [...state].map(toLine), load: fromLines },
    });
  }

  drawWrite(random: Prng, unique: number): RegisterCommand {
    const key = random.integer(0, this.#keys - 1);
    const expected = random.chance(this.#compares) ? (this.#lately.get(key) ?? null) : undefined;
    if (random.chance(0.5)) this.#lately.set(key, unique);
    return { key, value: unique, expected, padding: random.integer(0, this.#maxPaddingBytes) };
  }

  drawRead(random: Prng): ApplicationRead<Registers> {
    const key = random.integer(0, this.#keys - 1);
    const run = (registers: Registers) => {
      const value = registers.get(key) ?? null;
      this.#lately.set(key, value);
      return value;
    };
    return { text: `k${key}`, run };
  }

  describe({ key, value, expected }: RegisterCommand): string {
    return expected === undefined ? `k${key} = ${value}` : `k${key} = ${value} if it is ${expected}`;
  }

  fingerprint(registers: Registers): string {
    const keys = [...registers.keys()].sort((one, other) => one - other);
    return keys.map((key) => `k${key}=${registers.get(key)}`).join(' ');
  }

  writeEvent({ key, value, expected }: RegisterCommand, result: RegisterResult | null): HistoryStep {
    if (expected === undefined) return { f: 'write', key: `k${key}`, value };
    return { f: 'cas', key: `k${key}`, value: [expected, value], mismatch: result?.held === false };
  }

  readEvent({ text }: ApplicationRead<Registers>, value: unknown): HistoryStep {
    return { f: 'read', key: text, value };
  }
}

const codec: CommandCodec<RegisterCommand> = {
  encode({ key, value, expected, padding }) {
    const data = Buffer.alloc(HEAD_BYTES + padding);
    data[0] = VERSION;
    data[1] = expected === undefined ? KIND.put : expected === null ? KIND.compareNothing : KIND.compare;
    data.writeUInt16BE(key, 2);
    data.writeDoubleBE(value, 4);
    data.writeDoubleBE(expected ?? 0, 12);
    return data;
  },
  decode(bytes) {
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const kind = data[1];
    if (data[0] !== VERSION || kind === undefined || kind > KIND.compareNothing) {
      throw new RangeError(
        `a register command of version ${VERSION} was expected, found ${data.toString('hex', 0, 2)}`,
      );
    }
    const expected = kind === KIND.put ? undefined : kind === KIND.compareNothing ? null : data.readDoubleBE(12);
    return { key: data.readUInt16BE(2), value: data.readDoubleBE(4), expected, padding: data.length - HEAD_BYTES };
  },
};

/** A register for itself, so that nothing but the snapshot knows whether all of them are there. */
function toLine(register: readonly [number, number]): Uint8Array {
  return Buffer.from(`${register.join(' ')}\n`);
}

async function fromLines(chunks: AsyncIterable<Uint8Array>): Promise<Map<number, number>> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  const lines = Buffer.concat(parts).toString().split('\n').slice(0, -1);
  return new Map(lines.map((line) => line.split(' ').map(Number) as [number, number]));
}
