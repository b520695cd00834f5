/**
 * The messages between the nodes of a scenario: under way, held back, or lost on a cut link. Nothing moves unless a
 * command of the scenario moves it.
 */
import type { NodeId, RaftMessage } from '../../../packages/quorate/src/core/index.js';
import { messageName } from './message-text.js';

/** Which messages are meant. */
export interface Route {
  /** Null: any node. */
  readonly from: NodeId | null;
  readonly to: NodeId | null;
  /** As `message-text.ts` names it; null: any. */
  readonly type: string | null;
}

function isOn(route: Route, message: RaftMessage): boolean {
  return (
    (route.from === null || route.from === message.from) &&
    (route.to === null || route.to === message.to) &&
    (route.type === null || route.type === messageName(message))
  );
}

export class Network {
  #inFlight: RaftMessage[] = [];
  #held: RaftMessage[] = [];
  #holds: Route[] = [];
  #cuts: ((message: RaftMessage) => boolean)[] = [];

  /** A message leaves its node. */
  send(message: RaftMessage): void {
    if (this.#cuts.some((isCut) => isCut(message))) return;
    if (this.#holds.some((route) => isOn(route, message))) this.#held.push(message);
    else this.#inFlight.push(message);
  }

  /** Takes what is under way on these routes, in the order in which it was sent. */
  take(routes: readonly Route[]): readonly RaftMessage[] {
    const taken = this.#inFlight.filter((message) => routes.some((route) => isOn(route, message)));
    this.#inFlight = this.#inFlight.filter((message) => !taken.includes(message));
    return taken;
  }

  /** From now on messages on the route are held back as they leave. */
  hold(route: Route): void {
    this.#holds.push(route);
  }

  /** From now on nothing is held back; what is held stays so until it is released. */
  unhold(): void {
    this.#holds = [];
  }

  /** Ends holds of exactly this route, or of all when it names nothing; what was held on it goes on its way. */
  release(route: Route): readonly RaftMessage[] {
    const all = route.from === null && route.to === null && route.type === null;
    const isSame = (hold: Route) => hold.from === route.from && hold.to === route.to && hold.type === route.type;
    this.#holds = all ? [] : this.#holds.filter((hold) => !isSame(hold));
    return this.#sendHeld(route);
  }

  #sendHeld(route: Route): readonly RaftMessage[] {
    const released = this.#held.filter((message) => isOn(route, message));
    this.#held = this.#held.filter((message) => !isOn(route, message));
    this.#inFlight.push(...released);
    return released;
  }

  /** Keeps a copy of what is under way on the route among the messages held back. */
  duplicate(route: Route): readonly RaftMessage[] {
    const copies = this.#inFlight.filter((message) => isOn(route, message)).map((message) => ({ ...message }));
    this.#held.push(...copies);
    return copies;
  }

  /** From now on messages are lost that cross the border between these nodes and the others. */
  isolate(group: readonly NodeId[]): void {
    this.#cuts.push(({ from, to }) => group.includes(from) !== group.includes(to));
  }

  heal(): void {
    this.#cuts = [];
  }
}
