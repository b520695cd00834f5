/**
 * The file `identity` of a data directory: who the node is, for ever. Three lines of text, so that a person can read
 * it: format, contents as JSON, checksum of both. It must never be believed when the checksum does not match: the first
 * configuration of the cluster is in it. Format 2 is that of a restored directory: a release that does not know of
 * those would take it for an empty one.
 */
import { isUtf8 } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { Beginning, Formation, Member } from '../identity.js';

/** The newest; directories that began empty have format 1. */
export const IDENTITY_FORMAT_VERSION = 2;

export interface StoredIdentity {
  readonly nodeId: string;
  /** 16 random bytes in hexadecimal, made with the directory. */
  readonly incarnation: string;
  readonly cluster: string;
  readonly formation: Formation | null;
  /** True from before the first step was durable in the log of this directory. Without a log it is damaged then. */
  readonly hasLog: boolean;
  /** What the directory was restored from; null when it began empty. */
  readonly beginning: Beginning | null;
}

export type DecodedIdentity =
  | { readonly kind: 'identity'; readonly identity: StoredIdentity }
  | { readonly kind: 'other-version'; readonly version: number }
  | { readonly kind: 'unreadable' };

export function encodeIdentity(identity: StoredIdentity): Uint8Array {
  const { nodeId, incarnation, cluster, formation, hasLog, beginning } = identity;
  const common = { nodeId, incarnation, cluster, formation, hasLog };
  const json = JSON.stringify(beginning === null ? common : { ...common, beginning });
  const checked = `quorate identity ${beginning === null ? 1 : 2}\n${json}\n`;
  return Buffer.from(`${checked}crc32 ${checksum(checked)}\n`);
}

export function decodeIdentity(bytes: Uint8Array): DecodedIdentity {
  const text = isUtf8(bytes) ? Buffer.from(bytes).toString() : '';
  const [, checked, version, json, sum] =
    /^(quorate identity (\d{1,9})\n([^\n]*)\n)crc32 ([0-9a-f]{8})\n$/.exec(text) ?? [];
  if (checked === undefined || sum !== checksum(checked)) return { kind: 'unreadable' };
  if (version !== '1' && version !== '2') return { kind: 'other-version', version: Number(version) };
  const found = parse(json as string);
  const identity = version === '1' && typeof found === 'object' ? { ...found, beginning: null } : found;
  return isIdentity(identity) ? { kind: 'identity', identity } : { kind: 'unreadable' };
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function isIdentity(value: unknown): value is StoredIdentity {
  const { nodeId, incarnation, cluster, formation, hasLog, beginning } = (value ?? {}) as Partial<StoredIdentity>;
  return (
    [nodeId, incarnation, cluster].every((text) => typeof text === 'string') &&
    typeof hasLog === 'boolean' &&
    (formation === null || isFormation(formation)) &&
    (beginning === null || isBeginning(beginning))
  );
}

function isFormation(value: unknown): value is Formation {
  const { cluster, clusterId, members } = (value ?? {}) as Partial<Formation>;
  return (
    typeof cluster === 'string' && typeof clusterId === 'string' && Array.isArray(members) && members.every(isMember)
  );
}

function isBeginning(value: unknown): value is Beginning {
  const { index, term, timestampMs, checksum } = (value ?? {}) as Partial<Beginning>;
  return [index, term, timestampMs].every(Number.isSafeInteger) && typeof checksum === 'string';
}

function isMember(value: unknown): value is Member {
  const { id, incarnation } = (value ?? {}) as Partial<Member>;
  return typeof id === 'string' && typeof incarnation === 'string';
}
