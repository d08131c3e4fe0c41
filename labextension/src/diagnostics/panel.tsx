/** The section of the sidebar in which the current notebook's findings are listed. */

import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { NotebookState } from '../cells/notebook';
import type { NotebookStates } from '../cells/states';
import { ProblemList } from './list';
import type { ProblemWalk } from './walk';

export class ProblemsPanel extends ReactWidget {
  constructor(
    private readonly tracker: INotebookTracker,
    private readonly states: NotebookStates,
    private readonly walk: ProblemWalk,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.id = 'jupyter-kf-problems';
    this.title.label = trans.__('Problems');
    this.addClass('jp-KFProblems');
    tracker.currentChanged.connect(this.follow, this);
    walk.changed.connect(this.update, this);
    this.follow();
  }

  override dispose(): void {
    this.tracker.currentChanged.disconnect(this.follow, this);
    this.walk.changed.disconnect(this.update, this);
    this._state?.changed.disconnect(this.onState, this);
    super.dispose();
  }

  protected render(): JSX.Element {
    const state = this._state;
    return (
      <ProblemList
        notebook={state?.path ?? null}
        isMarked={state?.isMarked ?? false}
        problems={state?.check.checked ? state.problems : null}
        error={state?.check.error ?? null}
        current={this.walk.current}
        actions={this.walk}
        trans={this.trans}
      />
    );
  }

  private follow(): void {
    this._state?.changed.disconnect(this.onState, this);
    this._state = this.states.current;
    this._state?.changed.connect(this.onState, this);
    this.onState();
  }

  private onState(): void {
    const count = this._state?.problems.length ?? 0;
    this.title.label =
      count > 0
        ? this.trans.__('Problems (%1)', count)
        : this.trans.__('Problems');
    this.update();
  }

  private _state: NotebookState | null = null;
}
