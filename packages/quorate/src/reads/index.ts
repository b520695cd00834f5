/**
 * The read path: fresh reads of any replicated state behind two seams, Leader and Fsm. Names are listed one by one;
 * what is not here is nobody else's business.
 */
export type { Clock } from './clock.js';
export type { Fsm, View } from './fsm.js';
export type { Leader, ReadIndex } from './leader.js';
export type { Level } from './levels.js';
export type { EndedBoundRequest, EndedRead, ReadObserver } from './read-observer.js';
export type { ReadOptions, WaitOptions } from './read-options.js';
export type { ReadResult } from './read-result.js';
export type { ReadView } from './read-view.js';
export { type ReadFunction, StateReader } from './state-reader.js';
export type { StateReaderOptions } from './state-reader-options.js';
export { decodeToken, encodeToken, mergeTokens, type Token } from './tokens.js';
