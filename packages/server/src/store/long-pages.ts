/**
 * Pages of ranges that are too long for one step: each is read from a view that is held, a few entries at a time, and
 * all of them share the turns. A page must be the one that a single step would give, and never take the views that
 * snapshots and exports need.
 */
import type { RangePage } from 'quorate/client';
import { Canceled, Overloaded, Timeout } from 'quorate/errors';
import { Turns } from '../turns.js';
import { type ExportRequest, type ExportView, HeldExportView } from './export-view.js';
import type { KeyValueView } from './key-value-state.js';
import { PageInProgress } from './page-in-progress.js';

/** At a time. */
export const MAX_LONG_PAGES = 32;

export interface LongPageOptions {
  readonly limit: number;
  /** Since when it is waited for, on the clock of `performance`, and for how long at most. */
  readonly sinceMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export class LongPages {
  readonly #turns = new Turns();
  readonly #views = new Set<ExportView>();

  /** A view for one page, to be given to `read` or released. Throws Overloaded when there are too many. */
  hold(state: KeyValueView, request: ExportRequest): ExportView {
    if (this.#views.size >= MAX_LONG_PAGES) throw new Overloaded({ queue: 'long pages', limit: MAX_LONG_PAGES });
    const held = new HeldExportView(state, request);
    const view = {
      next: () => held.next(),
      release: () => {
        this.#views.delete(view);
        held.release();
      },
    };
    this.#views.add(view);
    return view;
  }

  /** Takes as many steps as it needs, and releases the view. Rejects with Canceled or Timeout at the next step. */
  async read(view: ExportView, { limit, sinceMs, timeoutMs, signal }: LongPageOptions): Promise<RangePage> {
    const page = new PageInProgress(limit);
    const step = () => {
      if (signal?.aborted) throw new Canceled({ cause: signal.reason });
      if (performance.now() - sinceMs >= timeoutMs) throw new Timeout({ stage: 'page', timeoutMs });
      return addNext(page, view);
    };
    try {
      for (;;) {
        const whole = await this.#turns.run(step);
        if (whole !== null) return whole;
      }
    } finally {
      view.release();
    }
  }
}

/** The page when it is whole. */
function addNext(page: PageInProgress, view: ExportView): RangePage | null {
  const entries = view.next();
  if (entries === null) return page.last();
  for (const entry of entries) {
    const whole = page.add(entry);
    if (whole !== null) return whole;
  }
  return null;
}
