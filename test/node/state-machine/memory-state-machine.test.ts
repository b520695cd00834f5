/** The memory state machine does what every state machine has to do. */
import { describe } from 'vitest';
import { testStateMachine } from '../../support/state-machine/suite.js';
import { createMemoryMachine } from '../../support/state-machine/table-application.js';

describe('the memory state machine', () => {
  testStateMachine(async () => createMemoryMachine());
});
