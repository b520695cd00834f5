/**
 * Every read given to a node ends exactly once, unless its caller cancels it or the node dies (R5, R9): nothing is
 * dropped in silence and nothing answered twice. That it ends in time is checked by the liveness phase, through
 * `underWay`.
 */
import type { CoreStatus, ReadResult } from '../../../core/index.js';
import type { ObservedNode, Observer } from '../observer.js';
import { check } from './violation.js';

const RULE = 'reads end once';

export class ReadsEndOnce implements Observer {
  readonly #underWay = new Map<string, ObservedNode>();
  /** Of each of them: term and leader, as its node knew them when it started. */
  readonly #startedIn = new Map<string, string>();

  /** Reads that have not ended, with their nodes. */
  get underWay(): ReadonlyMap<string, ObservedNode> {
    return this.#underWay;
  }

  onReadStarted(node: ObservedNode, read: number): void {
    check(!this.#underWay.has(nameOf(node, read)), RULE, 'a read is started once', { read });
    this.#underWay.set(nameOf(node, read), node);
    this.#startedIn.set(nameOf(node, read), reign(node.status()));
  }

  /** Whoever loses its leader, or its leadership, says so to all who wait for it (R5). */
  onTurn(node: ObservedNode, status: CoreStatus): void {
    for (const [name, owner] of this.#underWay) {
      const startedIn = this.#startedIn.get(name);
      const context = { node: node.id, read: name, startedIn, now: reign(status) };
      check(owner !== node || startedIn === reign(status), RULE, 'reads end with the leadership (R5)', context);
    }
  }

  onReadCancelled(node: ObservedNode, read: number): void {
    this.#underWay.delete(nameOf(node, read));
  }

  onReadEnded(node: ObservedNode, result: ReadResult): void {
    check(this.#underWay.get(nameOf(node, result.read)) === node, RULE, 'only a read under way ends', {
      node: node.id,
      ...result,
    });
    this.#underWay.delete(nameOf(node, result.read));
  }

  onCrash(node: ObservedNode): void {
    for (const [read, owner] of this.#underWay) if (owner === node) this.#underWay.delete(read);
  }
}

function reign(status: CoreStatus | null): string {
  return `term ${status?.term} under ${status?.leader}`;
}

/** A node numbers its reads in each of its lives. */
function nameOf({ id, bootId }: ObservedNode, read: number): string {
  return `${id}/${bootId}/${read}`;
}
