/** From a run to a cell of its notebook. */

import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { CommandRegistry } from '@lumino/commands';

import type { ICellPlace } from './context';

/** Open the notebook, scroll to the cell, select it, and put the cursor on the line. */
export async function openCell(
  commands: CommandRegistry,
  place: ICellPlace
): Promise<void> {
  const opened: unknown = await commands.execute('docmanager:open', {
    path: place.path
  });
  if (!isNotebookPanel(opened)) {
    return;
  }
  await opened.context.ready;
  await opened.revealed;
  const notebook = opened.content;
  const cells = notebook.widgets;
  const byId = cells.findIndex(cell => cell.model.id === place.cell);
  const at = byId >= 0 ? byId : (place.index ?? -1);
  const cell: Cell | undefined = cells[at];
  if (!cell) {
    return;
  }
  notebook.deselectAll();
  notebook.activeCellIndex = at;
  await notebook.scrollToCell(cell, 'center');
  if (place.line) {
    await cell.ready;
    const position = { line: place.line - 1, column: 0 };
    cell.editor?.setCursorPosition(position);
    cell.editor?.revealPosition(position);
  }
}

function isNotebookPanel(widget: unknown): widget is NotebookPanel {
  const panel = widget as Partial<NotebookPanel> | null | undefined;
  return (
    typeof panel === 'object' &&
    panel !== null &&
    panel.content !== undefined &&
    'activeCellIndex' in panel.content
  );
}
