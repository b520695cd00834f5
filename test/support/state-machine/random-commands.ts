/** Commands that a seed decides, the same for whoever asks, with what is awkward: code points, sizes, walks. */
import { Prng } from '../../../packages/quorate/src/testing/simulator/prng.js';
import type { Command } from './table-application.js';

const KEYS = ['a', 'b', 'z', '\0', 'é', '\u{e000}', '\u{ffff}', '\u{10000}', '\u{1f600}', 'k'.repeat(1_024)];

/** Null stands for an entry without a command. */
export function randomCommands(seed: number, count: number): readonly (Command | null)[] {
  const prng = new Prng(seed);
  const key = () => `${KEYS[prng.integer(0, KEYS.length - 1)]}${prng.integer(0, 40)}`;
  const text = () => 'v'.repeat(prng.integer(0, 9) === 0 ? prng.integer(0, 20_000) : prng.integer(0, 60));
  return Array.from({ length: count }, () => {
    const draw = prng.integer(0, 99);
    if (draw < 5) return null;
    if (draw < 55) return { kind: 'set', key: key(), value: text() };
    if (draw < 75) return { kind: 'append', key: key(), add: `${prng.integer(0, 999)},` };
    if (draw < 90) return { kind: 'delete', key: key() };
    if (draw < 95) return { kind: 'delete-range', from: key(), count: prng.integer(0, 5) };
    return { kind: 'grow', from: key(), count: prng.integer(0, 5) };
  });
}
