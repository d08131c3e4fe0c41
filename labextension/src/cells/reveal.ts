/** Finding a cell of an open notebook, and showing a line of it. */

import type { Cell } from '@jupyterlab/cells';
import { NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';

import { lineSpan } from '../diagnostics/model';

/** The widget of a cell by its id. */
export function cellWidget(
  panel: NotebookPanel,
  id: string | null
): Cell | null {
  return panel.content.widgets.find(each => each.model.id === id) ?? null;
}

/** Show a line of a cell and put the cursor on it; says whether the cell is there. */
export async function revealLine(
  panel: NotebookPanel,
  id: string | null,
  line: number
): Promise<boolean> {
  const notebook = panel.content;
  const index = notebook.widgets.findIndex(each => each.model.id === id);
  if (index < 0) {
    return false;
  }
  const cell = notebook.widgets[index];
  NotebookActions.expandParent(cell, notebook);
  cell.inputHidden = false;
  notebook.deselectAll();
  notebook.activeCellIndex = index;
  await notebook.scrollToCell(cell);
  await cell.ready;
  notebook.mode = 'edit';
  notebook.activate();
  const { from } = lineSpan(cell.model.sharedModel.getSource(), line);
  const editor = cell.editor;
  const position = editor?.getPositionAt(from);
  if (editor && position) {
    editor.focus();
    editor.setCursorPosition(position);
    editor.revealPosition(position);
  }
  return true;
}
