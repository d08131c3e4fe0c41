/** The tab of a run, and that of runs side by side. Loaded when the first is opened. */

import { ReactWidget } from '@jupyterlab/ui-components';
import { Signal, type ISignal } from '@lumino/signaling';
import React from 'react';

import { workbenchIcon } from '../icons';
import { CompareView } from '../compare/view';
import type { IWorkbench } from '../tokens';
import { SurroundingsProvider, type ISurroundings } from './context';
import { RunModel } from './model';
import { RunView, START, type IRunPlace } from './view';

export class RunWidget extends ReactWidget {
  constructor(
    run: string,
    workbench: IWorkbench,
    private readonly surroundings: ISurroundings,
    place: Partial<IRunPlace>
  ) {
    super();
    this.addClass('jp-KFRunPanel');
    this.model = new RunModel(run, workbench.client, workbench.store);
    this._place = { ...START, ...place };
    this.title.icon = workbenchIcon;
    this.title.label = surroundings.trans.__('Run');
    this.title.closable = true;
    this.model.subscribe(() => this.entitle());
    void this.model.load();
  }

  readonly model: RunModel;

  /** Where one is in the run. */
  get place(): IRunPlace {
    return this._place;
  }

  /** Emitted when one goes elsewhere in the run. */
  get placeChanged(): ISignal<this, void> {
    return this._placeChanged;
  }

  /** Go to a step, a view, an artifact. */
  readonly goTo = (change: Partial<IRunPlace>): void => {
    this._place = { ...this._place, ...change };
    this.update();
    this._placeChanged.emit();
  };

  override dispose(): void {
    if (!this.isDisposed) {
      this.model.dispose();
      super.dispose();
      Signal.clearData(this);
    }
  }

  protected render(): JSX.Element {
    return (
      <SurroundingsProvider value={this.surroundings}>
        <RunView model={this.model} place={this._place} onPlace={this.goTo} />
      </SurroundingsProvider>
    );
  }

  private entitle(): void {
    const { run } = this.model.now;
    if (run && this.title.label !== run.name) {
      this.title.label = run.name;
      this.title.caption = `${run.name}\n${run.notebook}\n${run.id}`;
    }
  }

  private readonly _placeChanged = new Signal<this, void>(this);
  private _place: IRunPlace;
}

export class CompareWidget extends ReactWidget {
  constructor(
    readonly runs: readonly string[],
    private readonly surroundings: ISurroundings
  ) {
    super();
    this.addClass('jp-KFRunPanel');
    this.title.icon = workbenchIcon;
    this.title.label = surroundings.trans._n(
      '%1 run',
      'Compare %1 runs',
      runs.length
    );
    this.title.closable = true;
  }

  protected render(): JSX.Element {
    return (
      <SurroundingsProvider value={this.surroundings}>
        <CompareView runs={this.runs} />
      </SurroundingsProvider>
    );
  }
}
