/** The newest pipeline run of a notebook and how far its steps are, kept up to date. No DOM. */

import { Signal, type ISignal } from '@lumino/signaling';

import type { IStoreChange, RunsStore } from '../api/store';
import type { Execution, Run, RunDetail, RunPage } from '../api/types';

/** What of the server a LastRun needs. */
export interface IRunSource {
  newest(path: string, signal: AbortSignal): Promise<RunPage>;
  detail(run: string, signal: AbortSignal): Promise<RunDetail>;
}

export class LastRun {
  constructor(
    private readonly store: RunsStore,
    private readonly source: IRunSource
  ) {
    store.changed.connect(this.onStore, this);
  }

  /** Emitted when there is another run, or one of its steps has another state. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get run(): Run | undefined {
    return this._run === null ? undefined : this.store.run(this._run);
  }

  /** The newest attempt of each step in that run, by the step's name. */
  get steps(): ReadonlyMap<string, Execution> {
    const newest = new Map<string, Execution>();
    const all = this._run === null ? [] : this.store.executions(this._run);
    for (const each of all) {
      const known = newest.get(each.step);
      if (!each.superseded && (!known || known.attempt <= each.attempt)) {
        newest.set(each.step, each);
      }
    }
    return newest;
  }

  /** Follow another notebook; null for none. */
  async follow(path: string | null): Promise<void> {
    if (path === this._path) {
      return;
    }
    this._path = path;
    this.open(null);
    await this.refresh();
  }

  /** Ask which run is the newest. Without an answer what is known stays. */
  async refresh(): Promise<void> {
    this._request?.abort();
    if (this._path === null) {
      return;
    }
    const { signal } = (this._request = new AbortController());
    try {
      const page = await this.source.newest(this._path, signal);
      if (!signal.aborted) {
        this.store.receivePage(page);
        this.open(page.runs[0]?.id ?? null);
      }
    } catch {
      // the live stream tells of a server that is away; here what is known stays
    }
  }

  dispose(): void {
    this._request?.abort();
    this._detail?.abort();
    this._unwatch?.();
    this.store.changed.disconnect(this.onStore, this);
    Signal.clearData(this);
  }

  private open(run: string | null): void {
    if (run === this._run) {
      return;
    }
    this._unwatch?.();
    this._detail?.abort();
    this._run = run;
    this._unwatch = run === null ? null : this.store.watch(run);
    this._changed.emit();
    if (run !== null) {
      void this.load(run);
    }
  }

  private async load(run: string): Promise<void> {
    const { signal } = (this._detail = new AbortController());
    try {
      const detail = await this.source.detail(run, signal);
      if (!signal.aborted) {
        this.store.receiveDetail(detail);
      }
    } catch {
      // the live stream tells of a server that is away; here what is known stays
    }
  }

  private onStore(_: RunsStore, change: IStoreChange): void {
    const gone = this._run !== null && change.deleted.has(this._run);
    if (change.reset || gone) {
      if (gone) {
        this.open(null);
      }
      void this.refresh();
      return;
    }
    for (const id of change.runs) {
      const run = this.store.run(id);
      if (run && this.isNewer(run)) {
        this.open(id);
      }
    }
    if (
      this._run !== null &&
      (change.runs.has(this._run) || change.executions.has(this._run))
    ) {
      this._changed.emit();
    }
  }

  private isNewer(run: Run): boolean {
    if (this._path === null || run.path !== this._path) {
      return false;
    }
    if (run.kind !== 'pipeline' || run.id === this._run) {
      return false;
    }
    return (run.created ?? '') > (this.run?.created ?? '');
  }

  private readonly _changed = new Signal<this, void>(this);
  private _path: string | null = null;
  private _run: string | null = null;
  private _unwatch: (() => void) | null = null;
  private _request: AbortController | null = null;
  private _detail: AbortController | null = null;
}
