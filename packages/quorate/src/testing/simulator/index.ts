/** The seeded world: a cluster in one process under virtual time, with faults, clients and invariants. */
export type { Application, ApplicationRead, HistoryStep } from './application.js';
export type { ClientReader, CreateReader, ReaderParts } from './client-node.js';
export { Violation } from './invariants/index.js';
export type { Observer } from './observer.js';
export type { FaultRates, Outsiders, Plan } from './plan.js';
export { Prng } from './prng.js';
export { SimulationFailure, World, type WorldOptions, type WorldReport } from './world.js';
