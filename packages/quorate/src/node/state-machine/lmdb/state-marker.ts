/**
 * The file `current` of a state's directory: which file holds the state, and whether it can be trusted. Three lines of
 * text: format, contents as JSON, checksum of both. A state must never be trusted that the operating system may have
 * written in part: that is for whoever rebuilds it from snapshot and log to decide about.
 */
import { isUtf8 } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { UnknownFormat } from '../../../errors/index.js';

const FORMAT_VERSION = 1;

export interface StateMarker {
  /** The state is in the file of this number. */
  readonly generation: number;
  /** `closed`: everything was synced. `failed`: a sync failed. */
  readonly state: 'open' | 'closed' | 'failed';
  /** The boot of the operating system in which it was opened; null where that is not known. */
  readonly bootId: string | null;
}

export function encodeMarker({ generation, state, bootId }: StateMarker): Uint8Array {
  const checked = `quorate state ${FORMAT_VERSION}\n${JSON.stringify({ generation, state, bootId })}\n`;
  return Buffer.from(`${checked}crc32 ${checksum(checked)}\n`);
}

/** Null when it cannot be read. Throws UnknownFormat for another version. */
export function decodeMarker(bytes: Uint8Array): StateMarker | null {
  const text = isUtf8(bytes) ? Buffer.from(bytes).toString() : '';
  const [, checked, version, json, sum] =
    /^(quorate state (\d{1,9})\n([^\n]*)\n)crc32 ([0-9a-f]{8})\n$/.exec(text) ?? [];
  if (checked === undefined || sum !== checksum(checked)) return null;
  if (Number(version) !== FORMAT_VERSION) {
    throw new UnknownFormat({ what: 'the state on the disk', version: Number(version), known: FORMAT_VERSION });
  }
  return JSON.parse(json as string) as StateMarker;
}

/** Why the state cannot be trusted; null when it can. */
export function reasonToDiscard({ state, bootId }: StateMarker, currentBootId: string | null): string | null {
  if (state === 'failed') return 'it could not be synced to the disk';
  if (state === 'closed' || (bootId !== null && bootId === currentBootId)) return null;
  return currentBootId === null || bootId === null
    ? 'it was not closed, and it is not known whether the operating system has been started since'
    : 'the operating system has been started since, and it was not closed before';
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
