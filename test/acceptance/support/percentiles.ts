/** Figures of a sample, for a report. They are printed, never asserted: machines differ. */
export function percentiles(sample: readonly number[]): { readonly median: number; readonly p99: number } {
  const sorted = [...sample].sort((a, b) => a - b);
  const at = (share: number) => Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) * 1_000) / 1_000;
  return { median: at(0.5), p99: at(0.99) };
}
