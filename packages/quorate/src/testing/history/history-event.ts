/**
 * One event of a recorded history: a client calls, or is answered. This is what our own JSON lines hold, and what
 * recorders of any kind produce. It must never say more than the client knew at that moment.
 */

/** Called; answered; answered that it did not happen; answered that it may or may not have happened. */
export type EventType = 'invoke' | 'ok' | 'fail' | 'info';

/** What clients do. `put`, `append` and `get` belong to the model `kv`, the others to the registers. */
export type OperationName = 'read' | 'write' | 'cas' | 'put' | 'append' | 'get';

/** Events stand in the order in which they happened; that order counts, `time` does not. */
export interface HistoryEvent {
  /** One at a time: a process calls again only after its last call has ended, be it with `info`. */
  readonly process: number | string;
  /**
   * `fail` of `cas`: the comparison failed, which is an observation of the register. `fail` of anything else: it did
   * not happen. `info`, or no answer at all: it may take effect at any later time, or never.
   */
  readonly type: EventType;
  readonly f: OperationName;
  /** Every key is a register of its own. */
  readonly key: string;
  /**
   * With `invoke` of `write`, `put` and `append`: the value; of `cas`: `[old, new]`. With `ok` of `read` and `get`:
   * what was read (null: never written). Ignored otherwise. Anything that JSON can hold; compared by content.
   */
  readonly value: unknown;
  /** When it happened, in whatever unit the recorder uses. For people only. */
  readonly time: number;
}
