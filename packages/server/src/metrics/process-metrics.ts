/**
 * The metrics of the process, as every program has them that uses prom-client: processor, memory, collector, loop. They
 * observe for as long as the process lives, so there must be one set of them, however many servers it runs.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';

/** Thirty lines that say little, from interfaces that Node calls private; some of them never have a sample. */
const LEFT_OUT = /^nodejs_(active_|heap_space_)/;

let registry: Registry | null = null;

export function processMetrics(): Registry {
  if (registry !== null) return registry;
  registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const { name } of registry.getMetricsAsArray()) if (LEFT_OUT.test(name)) registry.removeSingleMetric(name);
  return registry;
}
