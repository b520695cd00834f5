/**
 * What a Ready holds, as text in the style of etcd-io/raft's `DescribeReady`, with a section for how reads ended and
 * one for rejected proposals. It must never leave anything out that the core handed over.
 */
import type { LogStart, Persist, ReadResult, Ready } from '../../../packages/quorate/src/core/index.js';
import { describeEntry, describeMessage, requestOf } from './message-text.js';

interface Context {
  /** Leader and role, if they are news. */
  readonly lead: string | null;
  readonly showHardState: boolean;
  readonly from: string;
  /** Steps for the disk are messages to a thread of their own. */
  readonly async: boolean;
}

export function describeReady(ready: Ready, { lead, showHardState, from, async }: Context): readonly string[] {
  const { persist, committed, reads, rejected, offers, messages } = ready;
  const hardState = persist !== null && showHardState ? [describeHardState(persist)] : [];
  const toThreads = async ? threadWork(ready, from) : (persist?.messages ?? []).map(describeMessage);
  const sections = [
    ...(lead === null ? [] : [lead]),
    ...hardState,
    ...section('Reads:', reads.map(describeReadResult)),
    ...section(
      'Rejected:',
      rejected.map(({ ids, reason, term }) => `${ids.map(requestOf).join(', ')} ${reason} Term:${term}`),
    ),
    ...section(
      'Offers:',
      offers.map(({ from: offering, term, index }) => `${offering} Snapshot:${term}/${index}`),
    ),
    ...section('Restart:', (persist?.restart ?? null) === null ? [] : [describeStart(persist?.restart as LogStart)]),
    ...section('Entries:', (persist?.entries ?? []).map(describeEntry)),
    ...section('CommittedEntries:', committed.map(describeEntry)),
    ...section('Messages:', [...messages.map(describeMessage), ...toThreads]),
  ];
  if (sections.length === 0 && persist === null) return ['<empty Ready>'];
  return [`Ready MustSync=${persist?.mustSync ?? false}:`, ...sections];
}

function describeStart({ term, index }: LogStart): string {
  return `${term}/${index}`;
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}

function describeHardState({ hardState: { term, vote, commit } }: Persist): string {
  return `HardState Term:${term}${vote === null ? '' : ` Vote:${vote}`} Commit:${commit}`;
}

function threadWork({ persist, committed }: Ready, from: string): readonly string[] {
  const append = persist === null ? [] : [describeStep(persist, from), ...responses(persist)];
  if (committed.length === 0) return append;
  return [...append, `${from}->ApplyThread MsgStorageApply Entries:[${committed.map(describeEntry).join(', ')}]`];
}

function responses({ messages }: Persist): readonly string[] {
  return messages.length === 0
    ? []
    : ['Responses:[', ...messages.map((message) => `  ${describeMessage(message)}`), ']'];
}

/** `1->AppendThread MsgStorageAppend Step:2 Term:1 Vote:1 Commit:0 Entries:[…]`. */
export function describeStep({ number, hardState, restart, entries }: Persist, from: string): string {
  const { term, vote, commit } = hardState;
  const votes = vote === null ? '' : ` Vote:${vote}`;
  const appended = entries.length === 0 ? '' : ` Entries:[${entries.map(describeEntry).join(', ')}]`;
  const restarted = restart === null ? '' : ` Restart:${describeStart(restart)}`;
  const state = `Term:${term}${votes} Commit:${commit}`;
  return `${from}->AppendThread MsgStorageAppend Step:${number} ${state}${restarted}${appended}`;
}

/** `read 1: index=5 term=1`, or `read 1: leadership-lost`. */
export function describeReadResult(result: ReadResult): string {
  return `read ${result.read}: ${result.ok ? `index=${result.index} term=${result.term}` : result.reason}`;
}
