/** The test kit: a whole cluster in one process, recorded histories, and the checker that judges them. */
export * from './checker/index.js';
export * from './history/index.js';
export * from './simulator/index.js';
