/**
 * A quick proof that the operations of a register have no order, where some values can come about in one way only
 * (after Gibbons and Korach 1997). The register holds such a value once, without a break: surely from the first answer
 * to an operation that found or wrote it up to the last call of one. It must never find a contradiction where there is
 * none; the search decides on whatever it does not find.
 */
import type { Operation } from '../history/operation.js';

/** What an operation has to do with values: the one it must find, and the one it brings about (-1 for none). */
export interface ValueUse {
  readonly finds: number;
  readonly makes: number;
}

interface Zone {
  readonly value: number;
  /** The first answer, and the last call. The register holds the value in between when `answer` comes first. */
  answer: number;
  call: number;
  makers: number;
  /** Whether it was held at some time for certain. */
  isCertain: boolean;
}

/**
 * True when there is no order. `keeps` tells whether an operation, at a time when the register holds that value, leaves
 * it there.
 */
export function contradictsZones(
  operations: readonly Operation[],
  uses: readonly ValueUse[],
  initial: number,
  keeps: (value: number, operation: number) => boolean,
): boolean {
  const certain = zonesOf(operations, uses, initial).filter(({ isCertain }) => isCertain);
  const held = certain.filter(({ answer, call }) => answer < call).sort((a, b) => a.answer - b.answer);
  if (held.some((zone, index) => (held[index + 1]?.answer ?? Number.POSITIVE_INFINITY) < zone.call)) return true;
  /** The zone that lies around this time from the one event to the other. */
  const around = (from: number, to: number): Zone | null => {
    const zone = lastBefore(held, from);
    return zone !== null && to < zone.call ? zone : null;
  };
  const isMisplaced = ({ call, answer, outcome }: Operation, index: number): boolean => {
    const zone = outcome === 'unknown' ? null : around(call, answer);
    return zone !== null && !keeps(zone.value, index);
  };
  // What is found or written here must all have happened within the zone of another value.
  return (
    certain.some((zone) => zone.call < zone.answer && around(zone.call, zone.answer) !== null) ||
    operations.some(isMisplaced)
  );
}

/** One for each value that has a single maker. */
function zonesOf(operations: readonly Operation[], uses: readonly ValueUse[], initial: number): readonly Zone[] {
  const zones = new Map<number, Zone>();
  const zoneOf = (value: number): Zone => {
    const known = zones.get(value);
    if (known !== undefined) return known;
    const [answer, call] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const zone: Zone = { value, answer, call, makers: 0, isCertain: false };
    zones.set(value, zone);
    return zone;
  };
  Object.assign(zoneOf(initial), { answer: Number.NEGATIVE_INFINITY, makers: 1 });
  for (const [index, { finds, makes }] of uses.entries()) {
    const { call, answer, outcome } = operations[index] as Operation;
    const found = outcome === 'unknown' || finds < 0 ? [] : [zoneOf(finds)];
    const made = makes < 0 || makes === finds ? [] : [zoneOf(makes)];
    for (const zone of [...found, ...made]) {
      zone.answer = Math.min(zone.answer, answer);
      zone.call = Math.max(zone.call, call);
      zone.isCertain ||= outcome !== 'unknown';
    }
    for (const zone of made) zone.makers += 1;
  }
  return [...zones.values()].filter(({ makers }) => makers === 1);
}

/** The zone that begins last before this time, null when none does. `zones` are sorted by their beginnings. */
function lastBefore(zones: readonly Zone[], time: number): Zone | null {
  let [from, to] = [0, zones.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((zones[middle] as Zone).answer < time) from = middle + 1;
    else to = middle;
  }
  return zones[from - 1] ?? null;
}
