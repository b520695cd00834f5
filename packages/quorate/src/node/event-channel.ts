/**
 * One kind of event of one node, on the `node:diagnostics_channel` of its name. Whoever publishes asks `wanted` first,
 * so that nothing is measured or built while nobody listens; publishing never throws, whatever a subscriber does.
 */
import { type Channel, channel } from 'node:diagnostics_channel';

/** What every message has: several nodes may live in one process. */
export interface NodeEvent {
  /** The name of the node. */
  readonly node: string;
}

export class EventChannel<Event extends NodeEvent> {
  readonly #channel: Channel;
  readonly #node: string;

  constructor(name: string, node: string) {
    this.#channel = channel(name);
    this.#node = node;
  }

  /** True while anybody in this process has subscribed. */
  get wanted(): boolean {
    return this.#channel.hasSubscribers;
  }

  /** Calls the subscribers now. What they throw, Node reports as an uncaught exception, in a later turn. */
  publish(event: Omit<Event, 'node'>): void {
    this.#channel.publish({ node: this.#node, ...event });
  }
}
