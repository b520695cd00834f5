/**
 * The traits of the reference's algorithm, each of which can be put into an otherwise right reader. What is right is
 * the product's own code, on the same seams; a world without any of the traits must be as good as one without this
 * file.
 */
import { StateReader } from '../../../packages/quorate/src/reads/index.js';
import type { ClientReader, ReaderParts, WorldOptions } from '../../../packages/quorate/src/testing/simulator/index.js';
import { type IndexTrait, NodeFsm } from './node-fsm.js';
import { NodeLeader } from './node-leader.js';
import { ReferenceClient } from './reference-client.js';
import { type Acknowledgements, ReferenceCore } from './reference-core.js';
import { WitnessedReader } from './witnessed-reader.js';

export interface ReferenceTraits {
  /** The index of the state, or of what was handed to the state machine. */
  readonly index: IndexTrait;
  readonly acknowledgements: Acknowledgements;
  /**
   * `woken` by the state machine; `polls` by the clock, and is right otherwise; `polls as deployed`: by the clock, and
   * heeds its caller's deadline and signal only in between, for its leader is not told of them.
   */
  readonly waits: 'woken' | 'polls' | 'polls as deployed';
}

export const RIGHT: ReferenceTraits = { index: 'visible', acknowledgements: 'sent after', waits: 'woken' };
export const AS_DEPLOYED: ReferenceTraits = { index: 'queued', acknowledgements: 'any', waits: 'polls as deployed' };

/** What makes a world have these traits. One for each world. */
export function withTraits(traits: ReferenceTraits): Required<Pick<WorldOptions, 'create' | 'createReader'>> {
  const { index, acknowledgements, waits } = traits;
  const cores = new Map<string, ReferenceCore>();
  const createReader = (parts: ReaderParts<unknown, unknown, unknown>): ClientReader<unknown> => {
    const { raft, clock } = parts;
    const { id } = raft.status();
    const fsm = new NodeFsm(parts, { core: () => cores.get(id) as ReferenceCore, index, polls: waits === 'polls' });
    if (waits === 'polls as deployed') return new ReferenceClient(parts, fsm);
    return new StateReader({ leader: new NodeLeader(raft), fsm, clock, options: { maxInFlight: 4 } });
  };
  return {
    create: (options) => {
      const core = new ReferenceCore(options, acknowledgements);
      cores.set(options.id, core);
      return core;
    },
    createReader: (parts) => new WitnessedReader(createReader(parts), parts.machine),
  };
}
