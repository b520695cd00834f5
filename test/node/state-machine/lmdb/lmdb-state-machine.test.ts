/** The LMDB state machine does what every state machine has to do, and its views do not change. */
import { describe } from 'vitest';
import { openMachine, temporaryDirectory } from '../../../support/state-machine/lmdb-machines.js';
import { testStateMachine } from '../../../support/state-machine/suite.js';

describe('the LMDB state machine', () => {
  testStateMachine(async () => openMachine({ path: await temporaryDirectory() }));
});
