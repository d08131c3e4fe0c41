/** Findings at their lines in the cells' editors, with their fix at hand. */

import type { Diagnostic as LintDiagnostic } from '@codemirror/lint';
import type { EditorView } from '@codemirror/view';
import type { Cell } from '@jupyterlab/cells';
import { CodeMirrorEditor } from '@jupyterlab/codemirror';

import type { NotebookState } from '../cells/notebook';
import type { ITranslate } from '../words';
import { severityWord } from './list';
import { lineSpan, type IProblem } from './model';
import type { IProblemActions } from './tokens';

/** Keeps the marks in one notebook's editors as its state says; an editor that is drawn later gets them then. */
export class EditorMarks {
  constructor(
    private readonly state: NotebookState,
    private readonly actions: IProblemActions,
    private readonly trans: ITranslate
  ) {
    state.changed.connect(this.update, this);
    this.update();
  }

  private update(): void {
    const { panel, views } = this.state;
    for (const cell of panel.content.widgets) {
      const problems = views.get(cell.model.id)?.problems ?? [];
      const key = JSON.stringify(problems);
      if (key !== (this._shown.get(cell) ?? '[]')) {
        this._shown.set(cell, key);
        void this.show(cell, problems, key);
      }
    }
  }

  private async show(
    cell: Cell,
    problems: readonly IProblem[],
    key: string
  ): Promise<void> {
    const [{ setDiagnostics }] = await Promise.all([
      import('@codemirror/lint'),
      cell.ready
    ]);
    const isOld = this._shown.get(cell) !== key || cell.isDisposed;
    if (isOld || !(cell.editor instanceof CodeMirrorEditor)) {
      return;
    }
    const view = cell.editor.editor;
    const marks = problems.map(each => this.mark(each, view));
    view.dispatch(setDiagnostics(view.state, marks));
  }

  private mark(problem: IProblem, view: EditorView): LintDiagnostic {
    const { actions, trans } = this;
    const span = lineSpan(view.state.doc.toString(), problem.line ?? 1);
    return {
      ...span,
      severity: problem.severity,
      source: problem.code,
      message: `${problem.message} ${problem.fix}`.trim(),
      renderMessage: () => rendered(problem, trans),
      actions: problem.edit
        ? [
            {
              name: trans.__('Apply fix'),
              apply: () => void actions.fix(problem)
            }
          ]
        : []
    };
  }

  private readonly _shown = new WeakMap<Cell, string>();
}

/** What is wrong, and below it what to do. */
function rendered(problem: IProblem, trans: ITranslate): HTMLElement {
  const node = document.createElement('div');
  node.className = 'jp-KFLint';
  const what = document.createElement('p');
  const severity = document.createElement('strong');
  severity.textContent = `${severityWord(problem.severity, trans)}: `;
  what.append(severity, ...prose(problem.message));
  node.append(what);
  if (problem.fix) {
    const fix = document.createElement('p');
    fix.append(...prose(problem.fix));
    node.append(fix);
  }
  return node;
}

/** Text in which what stands between backticks is code. */
function prose(text: string): (Node | string)[] {
  return text.split('`').map((part, index) => {
    if (index % 2 === 0) {
      return part;
    }
    const code = document.createElement('code');
    code.textContent = part;
    return code;
  });
}
