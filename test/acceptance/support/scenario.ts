/**
 * What the runner of the scenarios gives to each of them (scripts/acceptance.mjs). Nothing else is shared between
 * them.
 */
export interface ScenarioContext {
  /** Tells people how far it is. */
  readonly progress: (text: string) => void;
  /** Fires on Ctrl-C: the scenario ends early, and is then not ok. */
  readonly signal: AbortSignal;
}
