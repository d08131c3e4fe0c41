/** The states of all open notebooks, made when first asked for. */

import type { Cell } from '@jupyterlab/cells';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import type { IWorkbench } from '../tokens';
import { NotebookState } from './notebook';

export class NotebookStates {
  constructor(
    private readonly tracker: INotebookTracker,
    private readonly workbench: IWorkbench,
    private readonly localPath: (path: string) => string
  ) {}

  /** The state of the notebook that was used last. */
  get current(): NotebookState | null {
    const panel = this.tracker.currentWidget;
    return panel && this.of(panel);
  }

  of(panel: NotebookPanel): NotebookState {
    let state = this._states.get(panel);
    if (!state) {
      state = new NotebookState(panel, this.workbench, this.localPath);
      this._states.set(panel, state);
    }
    return state;
  }

  /** The state of the notebook that a cell is in. */
  ofCell(cell: Cell): NotebookState | null {
    const panel = this.tracker.find(each =>
      each.content.widgets.includes(cell)
    );
    return panel ? this.of(panel) : null;
  }

  private readonly _states = new WeakMap<NotebookPanel, NotebookState>();
}
