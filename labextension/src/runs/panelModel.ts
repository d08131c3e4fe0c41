/** The section of runs without its list: whose runs, what is folded, what is chosen. No DOM, no JupyterLab. */

import { Signal, type ISignal } from '@lumino/signaling';

import type { Run } from '../api/types';
import type { RunList } from './model';
import {
  NOTHING,
  extended,
  restricted,
  toggled,
  type IRow,
  type ISelection
} from './selection';

const GROUP = 'experiment:';

export class RunsPanelModel {
  constructor(private readonly list: RunList) {
    list.changed.connect(this.onList, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The contents path of the notebook that is open, or null. */
  get notebook(): string | null {
    return this._notebook;
  }

  /** Whether only runs of the open notebook are wanted. */
  get ofNotebook(): boolean {
    return this._ofNotebook;
  }

  get selection(): ISelection {
    return this._selection;
  }

  /** The runs that a command is for: those chosen, else the one that the keyboard is on. */
  get targets(): readonly Run[] {
    const { chosen, current } = this._selection;
    const wanted = chosen.size > 0 ? chosen : new Set([current]);
    return this.list.runs.filter(run => wanted.has(run.id));
  }

  /** What the list shows, from top to bottom. */
  get rows(): readonly IRow[] {
    return this.list.groups.flatMap(({ experiment, runs }) => {
      const key = GROUP + experiment;
      const head: IRow = { key, run: null };
      return this._folded.has(key)
        ? [head]
        : [head, ...runs.map(({ id }) => ({ key: id, run: id }))];
    });
  }

  experimentOf(key: string): string {
    return key.slice(GROUP.length);
  }

  countOf(key: string): number {
    const experiment = this.experimentOf(key);
    const group = this.list.groups.find(one => one.experiment === experiment);
    return group?.runs.length ?? 0;
  }

  isFolded(key: string): boolean {
    return this._folded.has(key);
  }

  fold(key: string): void {
    if (!this._folded.delete(key)) {
      this._folded.add(key);
    }
    this._selection = restricted(this._selection, this.rows);
    this._changed.emit();
  }

  foldExperiment(experiment: string): void {
    this.fold(GROUP + experiment);
  }

  /** Another notebook is open now. */
  async setNotebook(path: string | null): Promise<void> {
    if (path !== this._notebook) {
      this._notebook = path;
      this._changed.emit();
      await this.show();
    }
  }

  setScope(ofNotebook: boolean): void {
    this._ofNotebook = ofNotebook;
    this._changed.emit();
    void this.show();
  }

  /** Ask for what the scope and the open notebook say; without a notebook that is all. */
  async show(): Promise<void> {
    const notebook = this._ofNotebook ? this._notebook : null;
    await this.list.select({ notebook });
  }

  setCurrent(key: string): void {
    if (key !== this._selection.current) {
      this._selection = { ...this._selection, current: key };
      this._changed.emit();
    }
  }

  /** Make a run what commands are for, alone unless it is among those chosen. */
  aim(run: string): void {
    const { chosen } = this._selection;
    this._selection = {
      chosen: chosen.has(run) ? chosen : NOTHING.chosen,
      current: run,
      anchor: run
    };
    this._changed.emit();
  }

  choose(runs: readonly string[]): void {
    const anchor = runs.at(-1) ?? null;
    const current = anchor ?? this._selection.current;
    this._selection = { chosen: new Set(runs), current, anchor };
    this._changed.emit();
  }

  /** Add or take away a run, or choose all from the one before to it. */
  toggle(run: string, range: boolean): void {
    this._selection = range
      ? extended(this._selection, this.rows, run)
      : toggled(this._selection, run);
    this._changed.emit();
  }

  dispose(): void {
    this.list.changed.disconnect(this.onList, this);
    Signal.clearData(this);
  }

  private onList(): void {
    this._selection = restricted(this._selection, this.rows);
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _folded = new Set<string>();
  private _notebook: string | null = null;
  private _ofNotebook = true;
  private _selection: ISelection = NOTHING;
}
