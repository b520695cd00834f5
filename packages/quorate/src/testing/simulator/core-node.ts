/**
 * What the world needs of a core node: the methods of `RawNode` as an interface, so that a test can put a broken one
 * into the world and see the invariants catch it. It must never have anything that RawNode has not.
 */
import type { RawNode, RawNodeOptions } from '../../core/index.js';

export type CoreNode = Pick<RawNode, Exclude<keyof RawNode, 'last'>>;

/** Makes the core of one start of one node. */
export type CreateCore = (options: RawNodeOptions) => CoreNode;
