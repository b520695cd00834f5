/**
 * `add-nodes N [voters=(…)] [learners=(…)] [outgoing=(…)] …`: adds N nodes, numbered on from those there are. All get
 * the same configuration, log and limits; a scenario whose nodes differ adds them one by one.
 */
import type { Configuration, Entry } from '../../../packages/quorate/src/core/index.js';
import { type Arguments, numberOf } from './arguments.js';
import type { Environment } from './environment.js';
import { bootId } from './message-text.js';

export function addNodes(env: Environment, args: Arguments): readonly string[] {
  const count = args.number();
  const configuration: Configuration = {
    voters: args.list('voters'),
    outgoing: args.list('outgoing'),
    learners: args.list('learners'),
  };
  const index = args.numberOf('index') ?? 0;
  const terms = args.list('log').map(numberOf);
  const entries = (terms.length > 0 ? terms : Array.from({ length: index }, () => 1)).map(entryOf);
  const hardState = {
    term: args.numberOf('term') ?? entries.at(-1)?.term ?? 0,
    vote: args.list('vote')[0] ?? null,
    commit: args.numberOf('commit') ?? index,
  };
  const limits = {
    electionTicks: args.numberOf('election-ticks') ?? 3,
    heartbeatTicks: args.numberOf('heartbeat-ticks') ?? 1,
    maxWaitingReads: args.numberOf('max-waiting-reads'),
    maxInflightAppends: args.numberOf('inflight'),
    maxAppendBytes: args.numberOf('max-append-bytes'),
  };
  const asyncStorageWrites = args.flag('async-storage-writes');
  args.finish();
  for (let added = 0; added < count; added++) {
    const number = env.nodes.length + 1;
    env.addNode({ number, configuration, hardState, entries, limits, asyncStorageWrites });
  }
  return [];
}

/** Entries of the same index and term are the same on every node. */
function entryOf(term: number, position: number): Entry {
  const index = position + 1;
  const data = new TextEncoder().encode(`${term}/${index}`);
  const proposal = { origin: bootId(99, term), sequence: index };
  return { index, term, kind: 'command', timestampMs: 0, proposal, data };
}
