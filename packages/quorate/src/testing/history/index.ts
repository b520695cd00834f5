/** Recorded histories: events, operations, and the formats that others record in. */
export { canonicalText } from './canonical-text.js';
export type { EventType, HistoryEvent, OperationName } from './history-event.js';
export { MalformedHistory } from './malformed-history.js';
export type { Action, Operation } from './operation.js';
export { operationsOf } from './operations-of.js';
export { detectFormat, HISTORY_FORMATS, type HistoryFormat, parseHistory } from './parse-history.js';
