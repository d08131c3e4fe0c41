/**
 * What is known of runs, kept up to date by changes that may come late, twice, out of order or not at all.
 *
 * Every run and execution is kept with the cursor of the answer it came with, and only a newer answer replaces it; so
 * lists, opened runs and changes may arrive in any order. The store's own cursor only moves over changes that are
 * known without a gap; behind a gap it asks for what happened since.
 */

import { Signal, type ISignal } from '@lumino/signaling';

import type { Changes, Execution, Run, RunDetail, RunPage } from './types';

/** What one step of the store touched. */
export interface IStoreChange {
  /** Runs that are new or different. */
  readonly runs: ReadonlySet<string>;
  /** Runs of which an execution is new or different. */
  readonly executions: ReadonlySet<string>;
  readonly deleted: ReadonlySet<string>;
  /** Too much happened: whoever shows a selection asks for it anew. */
  readonly reset: boolean;
}

interface IKept<T> {
  readonly value: T;
  readonly cursor: number;
}

/** A stretch of changes that is known: after the first, up to the second. */
type Stretch = readonly [after: number, cursor: number];

const NOTHING: ReadonlySet<string> = new Set();

export class RunsStore {
  /**
   * @param fetchChanges asks the server for everything after a cursor
   */
  constructor(
    private readonly fetchChanges: (after: number) => Promise<Changes>
  ) {}

  /** Emitted after the store has changed. */
  get changed(): ISignal<this, IStoreChange> {
    return this._changed;
  }

  /** Up to where everything is known; -1 before the first answer. */
  get cursor(): number {
    return this._cursor;
  }

  run(id: string): Run | undefined {
    return this._runs.get(id)?.value;
  }

  /** All runs that are known, or that came after a cursor; in no order. */
  *runs(after = -1): IterableIterator<Run> {
    for (const { value, cursor } of this._runs.values()) {
      if (cursor > after || after < 0) {
        yield value;
      }
    }
  }

  /** The executions of a run that is being watched, in the order in which they became known. */
  executions(run: string): Execution[] {
    const kept = this._executions.get(run);
    return kept ? Array.from(kept.values(), one => one.value) : [];
  }

  isDeleted(id: string): boolean {
    return this._deleted.has(id);
  }

  /** Whether a run that is known is not over. */
  get isActive(): boolean {
    for (const run of this.runs()) {
      if (!isFinal(run)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Keep the executions of a run from now on, until the function that is returned is called.
   *
   * Call it before the run is asked for, so that no change falls between the answer and the watch.
   */
  watch(run: string): () => void {
    this._watchers.set(run, (this._watchers.get(run) ?? 0) + 1);
    let watching = true;
    return () => {
      if (!watching) {
        return;
      }
      watching = false;
      const left = (this._watchers.get(run) ?? 1) - 1;
      if (left > 0) {
        this._watchers.set(run, left);
      } else {
        this._watchers.delete(run);
        this._executions.delete(run);
      }
    };
  }

  /** Take in a page of runs. */
  receivePage(page: RunPage): void {
    this.take({ runs: page.runs, executions: [] }, page.cursor);
    this.beginAt(page.cursor);
  }

  /** Take in a run that was opened. */
  receiveDetail(detail: RunDetail): void {
    const { run, executions, cursor } = detail;
    this.take({ runs: [run], executions }, cursor);
    this.beginAt(cursor);
  }

  /** Take in one run that an action was answered with; it is as new as anything known. */
  receiveRun(run: Run): void {
    this.take({ runs: [run], executions: [] }, this._cursor);
  }

  /** Take in that runs are gone. */
  receiveDeleted(ids: readonly string[]): void {
    this.take({ runs: [], executions: [], deleted: ids }, this._cursor);
  }

  /**
   * Take in changes as the server sent them; asks for what is missing before them.
   *
   * What they tell is shown at once also where something before is missing: runs come whole.
   */
  receive(changes: Changes): void {
    if (changes.reset) {
      this.reset(changes.cursor);
      return;
    }
    this.take(changes, changes.cursor);
    this._stretches.push([changes.after, changes.cursor]);
    if (!this.join()) {
      // a failure is not lost: the stretch stays, and the next call tries again
      this.catchUp().catch(() => undefined);
    }
  }

  /**
   * Ask for everything after the cursor. Rejects when the server cannot be asked.
   *
   * Calls while one is under way share it; it goes on until no gap is left.
   */
  catchUp(): Promise<void> {
    this._catchingUp ??= this.fill().finally(() => {
      this._catchingUp = null;
    });
    return this._catchingUp;
  }

  private async fill(): Promise<void> {
    let idle = 0;
    do {
      const from = Math.max(this._cursor, 0);
      this._cursor = from;
      const answer = await this.fetchChanges(from);
      if (answer.reset || answer.cursor < from) {
        this.reset(answer.cursor);
      } else {
        this.take(answer, answer.cursor);
        this._stretches.push([answer.after, answer.cursor]);
        this.join();
        idle = this._cursor > from ? 0 : idle + 1;
        if (idle > 1) {
          // asked twice, the server tells of no more, whatever was announced
          this._stretches = [];
        }
      }
    } while (this._stretches.length > 0);
  }

  /** Move the cursor over the stretches that follow on; say whether none is left beyond a gap. */
  private join(): boolean {
    if (this._cursor < 0) {
      return this._stretches.length === 0;
    }
    this._stretches.sort((a, b) => a[0] - b[0]);
    while (
      this._stretches.length > 0 &&
      this._stretches[0][0] <= this._cursor
    ) {
      const [, cursor] = this._stretches.shift() as Stretch;
      this._cursor = Math.max(this._cursor, cursor);
    }
    return this._stretches.length === 0;
  }

  private beginAt(cursor: number): void {
    if (this._cursor < 0) {
      this._cursor = cursor;
      this.join();
    }
  }

  /** Forget what is known to be newer than what will be loaded now. */
  private reset(cursor: number): void {
    if (cursor < this._cursor) {
      // another past: what was known does not count any more
      this._runs.clear();
      this._executions.clear();
      this._deleted.clear();
    }
    this._cursor = cursor;
    this._stretches = [];
    this._changed.emit({
      runs: NOTHING,
      executions: NOTHING,
      deleted: NOTHING,
      reset: true
    });
  }

  private take(
    news: Pick<Changes, 'runs' | 'executions'> & {
      deleted?: readonly string[];
    },
    cursor: number
  ): void {
    const change = {
      runs: new Set<string>(),
      executions: new Set<string>(),
      deleted: new Set<string>(),
      reset: false
    };
    for (const id of news.deleted ?? []) {
      if (!this._deleted.has(id)) {
        this._deleted.add(id);
        this._runs.delete(id);
        this._executions.delete(id);
        change.deleted.add(id);
      }
    }
    for (const run of news.runs) {
      if (!this._deleted.has(run.id) && keep(this._runs, run, cursor)) {
        change.runs.add(run.id);
      }
    }
    for (const execution of news.executions) {
      if (this._watchers.has(execution.run)) {
        let kept = this._executions.get(execution.run);
        if (!kept) {
          this._executions.set(execution.run, (kept = new Map()));
        }
        if (keep(kept, execution, cursor)) {
          change.executions.add(execution.run);
        }
      }
    }
    if (change.runs.size || change.executions.size || change.deleted.size) {
      this._changed.emit(change);
    }
  }

  private readonly _changed = new Signal<this, IStoreChange>(this);
  private readonly _runs = new Map<string, IKept<Run>>();
  private readonly _executions = new Map<
    string,
    Map<string, IKept<Execution>>
  >();
  /** Ids are never used twice, so a run that is gone stays gone. */
  private readonly _deleted = new Set<string>();
  private readonly _watchers = new Map<string, number>();
  private _cursor = -1;
  private _stretches: Stretch[] = [];
  private _catchingUp: Promise<void> | null = null;
}

/** Whether a run or an execution is over. */
export function isFinal(one: Pick<Run, 'state'>): boolean {
  switch (one.state) {
    case 'SUCCEEDED':
    case 'SKIPPED':
    case 'FAILED':
    case 'CANCELED':
    case 'INTERRUPTED':
      return true;
    default:
      return false;
  }
}

/** Keep what is as new as what is known and different from it; say whether it was kept. */
function keep<T extends { readonly id: string }>(
  known: Map<string, IKept<T>>,
  value: T,
  cursor: number
): boolean {
  const old = known.get(value.id);
  if (old && old.cursor > cursor) {
    return false;
  }
  known.set(value.id, { value, cursor });
  return !old || JSON.stringify(old.value) !== JSON.stringify(value);
}
