/** The list of runs as the sidebar shows it: selected, paged, grouped, kept up to date. No DOM, no JupyterLab. */

import { Signal, type ISignal } from '@lumino/signaling';

import { asApiError, isAborted, type ApiError } from '../api/errors';
import type { IStoreChange, RunsStore } from '../api/store';
import type { Run, RunPage, State } from '../api/types';

export const PAGE = 50;
/** The most that the server gives at once. */
const MOST = 500;
/** How long to wait for more before a selection is asked for anew, in milliseconds. */
const CALM = 700;

/** Which states a choice in the panel stands for. */
export const STATES = {
  all: [],
  active: ['PENDING', 'RUNNING', 'CANCELING', 'PAUSED'],
  failed: ['FAILED', 'INTERRUPTED'],
  succeeded: ['SUCCEEDED'],
  canceled: ['CANCELED']
} as const satisfies Record<string, readonly State[]>;

export type StateChoice = keyof typeof STATES;

/** What is shown. */
export interface IQuery {
  /** The contents path of the only notebook, or null for all. */
  readonly notebook: string | null;
  readonly search: string;
  /** An expression such as `metrics.acc > 0.9`. */
  readonly filter: string;
  readonly states: StateChoice;
}

/** A query as the server takes it. */
export interface IPageRequest {
  notebook?: string;
  search?: string;
  filter?: string;
  state?: string;
  limit: number;
  offset: number;
}

export interface IGroup {
  readonly experiment: string;
  readonly runs: readonly Run[];
}

type FetchPage = (
  request: IPageRequest,
  signal: AbortSignal
) => Promise<RunPage>;

export type Phase = 'idle' | 'loading' | 'more' | 'ready' | 'failed';

export class RunList {
  constructor(
    private readonly store: RunsStore,
    private readonly fetchPage: FetchPage
  ) {
    store.changed.connect(this.onStore, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get query(): IQuery {
    return this._query;
  }

  get phase(): Phase {
    return this._phase;
  }

  /** Why the last request failed; the rows of the one before are still there. */
  get error(): ApiError | null {
    return this._error;
  }

  /** Whether it is the filter that the server could not read. */
  get filterIsWrong(): boolean {
    return this._error?.status === 400 && this._query.filter.trim() !== '';
  }

  /** How many runs the query has in all. */
  get total(): number {
    return this._total;
  }

  get hasMore(): boolean {
    return this._ids.length < this._total;
  }

  /** The runs that are loaded, newest first. */
  get runs(): readonly Run[] {
    return this._ids.flatMap(id => this.store.run(id) ?? []);
  }

  /** The same by experiment, the one with the newest run first. */
  get groups(): readonly IGroup[] {
    const groups = new Map<string, Run[]>();
    for (const run of this.runs) {
      const runs = groups.get(run.experiment);
      if (runs) {
        runs.push(run);
      } else {
        groups.set(run.experiment, [run]);
      }
    }
    return Array.from(groups, ([experiment, runs]) => ({ experiment, runs }));
  }

  /** Show something else; rows of the former query stay until the answer is here. */
  async select(change: Partial<IQuery>): Promise<void> {
    const query = { ...this._query, ...change };
    if (
      this._phase !== 'idle' &&
      JSON.stringify(query) === JSON.stringify(this._query)
    ) {
      return;
    }
    this._query = query;
    await this.reload(PAGE);
  }

  /** Ask again for what is shown. */
  async refresh(): Promise<void> {
    await this.reload(Math.min(MOST, Math.max(PAGE, this._ids.length)));
  }

  /** Ask for the next page, if there is one and nothing else is under way. */
  async loadMore(): Promise<void> {
    if (this._phase !== 'ready' || !this.hasMore) {
      return;
    }
    await this.load('more', this._ids.length, PAGE, page => {
      const known = new Set(this._ids);
      const news = page.runs.filter(
        run => !known.has(run.id) && !this.store.isDeleted(run.id)
      );
      this._ids = [...this._ids, ...news.map(run => run.id)];
      // runs that moved on while we were asking may leave fewer than were counted
      this._total = page.runs.length > 0 ? page.total : this._ids.length;
    });
  }

  dispose(): void {
    clearTimeout(this._timer);
    this._request?.abort();
    this.store.changed.disconnect(this.onStore, this);
    Signal.clearData(this);
  }

  private async reload(limit: number): Promise<void> {
    clearTimeout(this._timer);
    await this.load('loading', 0, limit, page => {
      this._ids = page.runs
        .filter(run => !this.store.isDeleted(run.id))
        .map(run => run.id);
      this._total = page.total - (page.runs.length - this._ids.length);
      this.addMissed(page.cursor);
    });
  }

  private async load(
    phase: 'loading' | 'more',
    offset: number,
    limit: number,
    accept: (page: RunPage) => void
  ): Promise<void> {
    this._request?.abort();
    const request = (this._request = new AbortController());
    this._phase = phase;
    this._changed.emit();
    try {
      const page = await this.fetchPage(
        { ...asRequest(this._query), offset, limit },
        request.signal
      );
      if (request !== this._request) {
        return;
      }
      // before `accept`: the rows are read from the store
      this._phase = 'ready';
      this._error = null;
      this._receiving = true;
      this.store.receivePage(page);
      accept(page);
    } catch (error) {
      if (request !== this._request || isAborted(error)) {
        return;
      }
      this._phase = 'failed';
      this._error = asApiError(error);
    } finally {
      this._receiving = false;
    }
    this._changed.emit();
  }

  /** Add runs that became known while the page that does not have them was under way. */
  private addMissed(cursor: number): void {
    if (!this.isLocal) {
      return;
    }
    const oldest = this.hasMore ? this.runs.at(-1) : undefined;
    for (const run of this.store.runs(cursor)) {
      if (!oldest || !isNewer(oldest, run)) {
        this.place(run);
      }
    }
  }

  private onStore(_: RunsStore, change: IStoreChange): void {
    if (this._phase === 'idle' || this._receiving) {
      return;
    }
    if (change.reset) {
      void this.refresh();
      return;
    }
    const before = this._ids.length;
    if (change.deleted.size) {
      this._ids = this._ids.filter(id => !change.deleted.has(id));
      this._total -= before - this._ids.length;
    }
    if (this.isLocal) {
      for (const id of change.runs) {
        const run = this.store.run(id);
        if (run) {
          this.place(run);
        }
      }
    } else if (change.runs.size) {
      clearTimeout(this._timer);
      this._timer = setTimeout(() => void this.refresh(), CALM);
    }
    this._changed.emit();
  }

  /** Whether the query can be answered here. */
  private get isLocal(): boolean {
    return this._query.search.trim() === '' && this._query.filter.trim() === '';
  }

  /** Put a run where it belongs, or take it away where it does not. */
  private place(run: Run): void {
    const { notebook, states } = this._query;
    const chosen: readonly State[] = STATES[states];
    const fits =
      (notebook === null || run.path === notebook) &&
      (chosen.length === 0 || chosen.includes(run.state));
    const at = this._ids.indexOf(run.id);
    if (at >= 0 && !fits) {
      this._ids = this._ids.filter(id => id !== run.id);
      this._total -= 1;
    } else if (at < 0 && fits) {
      const next = this._ids.findIndex(id => {
        const other = this.store.run(id);
        return other !== undefined && isNewer(run, other);
      });
      if (next < 0 && this.hasMore) {
        // it comes with one of the next pages
        return;
      }
      const ids = [...this._ids];
      ids.splice(next < 0 ? ids.length : next, 0, run.id);
      this._ids = ids;
      this._total += 1;
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _query: IQuery = {
    notebook: null,
    search: '',
    filter: '',
    states: 'all'
  };
  private _ids: readonly string[] = [];
  private _total = 0;
  private _phase: Phase = 'idle';
  private _error: ApiError | null = null;
  private _request: AbortController | null = null;
  /** While the store takes in the page that this list has asked for. */
  private _receiving = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

function asRequest(query: IQuery): Omit<IPageRequest, 'limit' | 'offset'> {
  return {
    notebook: query.notebook ?? undefined,
    search: query.search.trim() || undefined,
    filter: query.filter.trim() || undefined,
    state: STATES[query.states].join(',') || undefined
  };
}

function isNewer(one: Run, other: Run): boolean {
  const [a, b] = [one.created ?? '', other.created ?? ''];
  return a === b ? one.id > other.id : a > b;
}
