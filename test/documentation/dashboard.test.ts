/**
 * Holds docs/reference/grafana-dashboard.json against docs/reference/metrics.md, which a test of the server holds
 * against what a server shows: no panel may ask for a metric or a label that does not exist.
 */
import { expect, it } from 'vitest';
import { tableRows } from '../tidy/markdown.js';
import { read } from '../tidy/repository.js';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit: string } };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const dashboard = JSON.parse(read('docs/reference/grafana-dashboard.json')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string }[] };
};
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const expressions = panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })));

/** Metric to its type and labels. */
const metrics = new Map(
  tableRows(read('docs/reference/metrics.md')).map(([name = '', type = '', labels = '']) => [
    name.replaceAll('`', ''),
    { type, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label as string) },
  ]),
);

/** The metrics of an expression, as they stand there. */
function metricsIn(expr: string): readonly string[] {
  return [...expr.matchAll(/\b(?:quorate|process|nodejs)_\w+/g)].map(([name]) => name);
}

/** The metric that a series is part of; undefined when there is none. */
function metricOf(series: string) {
  return metrics.get(series) ?? metrics.get(series.replace(/_(bucket|sum|count)$/, ''));
}

it('asks for metrics that exist, and for the parts of histograms only', () => {
  expect(expressions.length).toBeGreaterThan(30);
  for (const { title, expr } of expressions) {
    const series = metricsIn(expr);
    expect(series.length, title).toBeGreaterThan(0);
    for (const name of series) {
      expect(metricOf(name), `${title}: ${name}`).toBeDefined();
      expect(metrics.has(name), `${title}: ${name}`).toBe(metricOf(name)?.type !== 'histogram');
    }
  }
});

it('selects and groups by labels that these metrics have, and names series by those that are left', () => {
  for (const { title, expr, legendFormat } of expressions) {
    const known = ['job', 'instance', ...metricsIn(expr).flatMap((name) => metricOf(name)?.labels ?? [])];
    const selected = [...expr.matchAll(/(\w+)(?:=~|!=|!~|=)"/g)].map(([, label]) => label);
    const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels]) => (labels as string).split(', '));
    for (const label of [...selected, ...grouped]) expect([...known, 'le'], title).toContain(label);
    const left = grouped.length > 0 ? grouped : known;
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(left, title).toContain(label);
  }
});

it('looks at counters as rates, at gauges as they are, and at the chosen servers only', () => {
  for (const { title, expr } of expressions) {
    for (const [, wrapper, name] of expr.matchAll(/(\w+)\((\w+)\{/g)) {
      const metric = metricOf(name as string);
      const isRate = wrapper === 'rate' || wrapper === 'increase';
      expect(isRate, `${title}: ${name}`).toBe(metric?.type !== 'gauge');
    }
    const selectors = expr.split('{').length - 1;
    expect(expr.split('{job=~"$job", instance=~"$instance"').length - 1, title).toBe(selectors);
    expect(selectors, title).toBe(metricsIn(expr).length);
  }
  expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'job', 'instance']);
});

it('shows reads, writes, waits by stage, lag, leadership, the disk and the loop', () => {
  const shown = new Set(expressions.flatMap(({ expr }) => metricsIn(expr)));
  for (const name of [
    'quorate_reads_total',
    'quorate_writes_total',
    'quorate_read_wait_seconds_bucket',
    'quorate_lag_entries',
    'quorate_leader_changes_total',
    'quorate_log_write_duration_seconds_bucket',
    'quorate_snapshots_total',
    'quorate_loop_delay_seconds_bucket',
  ]) {
    expect(shown).toContain(name);
  }
});

it('has panels with a title, a sentence and a unit, none upon another', () => {
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  for (const { title, description, fieldConfig } of panels) {
    expect(title).not.toBe('');
    expect(description, title).toMatch(/\w\.$/);
    expect(fieldConfig?.defaults.unit, title).toMatch(/^(short|s|bytes|reqps|wps|Bps|percentunit)$/);
  }
  const taken = new Map<string, string>();
  for (const { title, gridPos } of dashboard.panels) {
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(taken.get(`${x}/${y}`), title).toBeUndefined();
        taken.set(`${x}/${y}`, title);
      }
    }
  }
});
