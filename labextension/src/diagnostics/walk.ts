/** Going from finding to finding in the current notebook, and applying their fixes. */

import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal, type ISignal } from '@lumino/signaling';

import { applySource } from '../cells/document';
import type { NotebookState } from '../cells/notebook';
import { cellWidget, revealLine } from '../cells/reveal';
import type { NotebookStates } from '../cells/states';
import { edited, neighbour, type IPlace, type IProblem } from './model';
import type { IProblemActions } from './tokens';

/** How long a message stays, in milliseconds. */
const SHORT = 5_000;

export class ProblemWalk implements IProblemActions {
  constructor(
    private readonly states: NotebookStates,
    private readonly trans: TranslationBundle
  ) {}

  /** Emitted when another finding is looked at. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The key of the finding that was looked at last. */
  get current(): string | null {
    return this._current;
  }

  /** The finding that a command is for: the one looked at, else the first of the active line, else of the cell. */
  get target(): IProblem | null {
    const state = this.states.current;
    const problems = state?.problems ?? [];
    const place = state && placeOf(state);
    const ofCell = problems.filter(each => each.cell_index === place?.index);
    return (
      ofCell.find(each => each.key === this._current) ??
      ofCell.find(each => each.line === place?.line) ??
      ofCell[0] ??
      null
    );
  }

  async go(step: 1 | -1): Promise<void> {
    const state = this.states.current;
    const next =
      state && neighbour(state.problems, placeOf(state), this._current, step);
    if (next) {
      await this.reveal(next);
    }
  }

  async reveal(problem: IProblem): Promise<void> {
    this._current = problem.key;
    this._changed.emit();
    const panel = this.states.current?.panel;
    if (panel) {
      await revealLine(panel, problem.cell, problem.line ?? 1);
    }
  }

  async fix(problem: IProblem): Promise<boolean> {
    const state = this.states.current;
    const { edit } = problem;
    const cell = state && edit && cellWidget(state.panel, edit.cell);
    if (!cell) {
      return false;
    }
    const checked = state.check.checked?.sources.get(edit.cell);
    const source = cell.model.sharedModel.getSource();
    const after = edited(source, edit, checked);
    if (after === null || state.panel.context.model.readOnly) {
      Notification.warning(
        this.trans.__('The cell has changed since it was checked. Try again.'),
        { autoClose: SHORT }
      );
      state.check.touch();
      return false;
    }
    applySource(cell.model, after);
    await revealLine(state.panel, edit.cell, edit.line);
    return true;
  }

  private readonly _changed = new Signal<this, void>(this);
  private _current: string | null = null;
}

/** Where the cursor is. */
function placeOf(state: NotebookState): IPlace | null {
  const { activeCell, activeCellIndex } = state.panel.content;
  if (!activeCell) {
    return null;
  }
  const line = activeCell.editor?.getCursorPosition().line ?? 0;
  return { index: activeCellIndex, line: line + 1 };
}
