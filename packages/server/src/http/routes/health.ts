/**
 * `GET /v1/status`, `/livez`, `/readyz`: what this replica is, whether it runs, and whether it can serve fresh reads.
 * A replica must never call itself fresh on its own word.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DiskStatus } from 'quorate';
import { DiskFailed, DiskStalled, QuorateError } from 'quorate/errors';
import type { Store } from '../../store/store.js';
import { SERVER_VERSION } from '../../version.js';
import { clientSignal } from '../headers.js';
import { parseQuery } from '../request-target.js';
import type { Routes } from '../routes.js';

/** How long `/readyz` waits for the leader's word and for this replica to follow, in milliseconds. */
const READY_TIMEOUT_MS = 1_000;
/** Whatever the reason is, a deadline included: probes look at the status only. */
const NOT_READY = 503;

export async function getStatus(routes: Routes, request: FastifyRequest): Promise<unknown> {
  parseQuery(request.raw.url ?? '', []);
  const { protocolVersion, ...status } = routes.store().status();
  return { ...status, versions: { server: SERVER_VERSION, protocol: protocolVersion, node: process.versions.node } };
}

/** The process answers: that is all it says. A node that stopped for good ends its process. */
export async function getLivez(_: Routes, request: FastifyRequest): Promise<unknown> {
  parseQuery(request.raw.url ?? '', []);
  return { status: 'alive' };
}

/**
 * Asks the leader for a confirmed bound and waits until this replica has applied it: a replica alone never says that
 * it is fresh. One with a disk in trouble is not ready, whatever it could still answer: no write through it ends.
 */
export async function getReadyz(routes: Routes, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  parseQuery(request.raw.url ?? '', []);
  try {
    const { index, term } = await ready(routes.store(), clientSignal(reply));
    return { status: 'ready', index, term };
  } catch (error) {
    if (error instanceof QuorateError) return routes.sendError(request, reply, error, NOT_READY);
    throw error;
  }
}

/** What the disk does is the reason for whatever goes wrong after it, so it is looked at before and afterwards. */
async function ready(store: Store, signal: AbortSignal): Promise<{ readonly index: number; readonly term: number }> {
  const trouble = diskTrouble(store.status().disk);
  if (trouble !== null) throw trouble;
  try {
    return await store.ready({ timeoutMs: READY_TIMEOUT_MS, signal });
  } catch (error) {
    throw diskTrouble(store.status().disk) ?? error;
  }
}

function diskTrouble(disk: DiskStatus | null): QuorateError | null {
  switch (disk?.state) {
    case 'stalled': {
      const { stalledMs } = disk;
      const sentence = `the disk has taken nothing for ${stalledMs} ms: this node acknowledges nothing until it does`;
      return new DiskStalled(`${sentence}; see what holds up the disk, or stop the node`, { stalledMs });
    }
    case 'failed':
      return new DiskFailed(disk.message);
    default:
      return null;
  }
}
