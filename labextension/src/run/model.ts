/** One run that is open: its pipeline and its steps as they change. No DOM. */

import type { Client } from '../api/client';
import { asApiError, type ApiError } from '../api/errors';
import type { IStoreChange, RunsStore } from '../api/store';
import type { Diagnostic, Pipeline, Run } from '../api/types';
import { foldSteps, stepNames, type IStepNow } from './steps';

/** What is known of the run; a new object whenever anything in it is different. */
export interface IRunNow {
  readonly run: Run | null;
  readonly pipeline: Pipeline | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly steps: ReadonlyMap<string, IStepNow>;
  /** The run was deleted, here or elsewhere. */
  readonly deleted: boolean;
  /** Why the run cannot be shown, or not as it is now. */
  readonly error: ApiError | null;
}

const NOTHING: IRunNow = {
  run: null,
  pipeline: null,
  diagnostics: [],
  steps: new Map(),
  deleted: false,
  error: null
};

/** Changes of tags: null takes one away. */
export type TagEdits = Record<string, string | null>;

export class RunModel {
  constructor(
    readonly id: string,
    readonly client: Client,
    private readonly store: RunsStore
  ) {
    this.unwatch = store.watch(id);
    store.changed.connect(this.onChanged, this);
  }

  get now(): IRunNow {
    return this._now;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** Call `listener` after each change, until the function that is returned is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): IRunNow => this._now;

  /** Ask the server for the run; what is known already stays where it cannot be asked. */
  async load(): Promise<void> {
    try {
      const detail = await this.client.get('/runs/{run}', {
        path: { run: this.id }
      });
      if (this._disposed) {
        return;
      }
      this.update({
        pipeline: detail.pipeline,
        diagnostics: detail.diagnostics,
        error: null
      });
      this.store.receiveDetail(detail);
      this.fold();
    } catch (error) {
      const said = asApiError(error);
      this.update(
        said.status === 404 && this._now.run
          ? { deleted: true }
          : { error: said }
      );
    }
  }

  async edit(change: { note?: string; tags?: TagEdits }): Promise<void> {
    const run = await this.client.json('/runs/{run}', 'patch', {
      path: { run: this.id },
      body: change
    });
    this.store.receiveRun(run);
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      this.store.changed.disconnect(this.onChanged, this);
      this.unwatch();
      this.listeners.clear();
    }
  }

  private onChanged(_: RunsStore, change: IStoreChange): void {
    if (change.deleted.has(this.id)) {
      this.update({ deleted: true });
    } else if (change.reset) {
      void this.load();
    } else if (change.runs.has(this.id) || change.executions.has(this.id)) {
      const resumes = this._now.run?.resumes;
      this.fold();
      if (resumes !== undefined && this._now.run?.resumes !== resumes) {
        void this.load(); // resumed with an edited notebook it may have another pipeline
      }
    }
  }

  private fold(): void {
    const executions = this.store.executions(this.id);
    const names = stepNames(this._now.pipeline, executions);
    this.update({
      run: this.store.run(this.id) ?? this._now.run,
      steps: foldSteps(names, executions, this._now.steps)
    });
  }

  private update(change: Partial<IRunNow>): void {
    if (this._disposed) {
      return;
    }
    this._now = { ...this._now, ...change };
    for (const listener of [...this.listeners]) {
      listener();
    }
  }

  private readonly unwatch: () => void;
  private readonly listeners = new Set<() => void>();
  private _now = NOTHING;
  private _disposed = false;
}
