/** Running a part of a notebook's pipeline: one step, or all up to it. */

import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { asApiError } from '../api/errors';
import type { StartRun } from '../api/types';
import { CommandIDs, type IWorkbench } from '../tokens';
import { CellCommandIDs } from './commandids';
import type { NotebookState } from './notebook';

/** How long a message stays, in milliseconds. */
const LONG = 10_000;

/** Save the notebook if it must be, start the run, and tell how it can be seen or why it was refused. */
export async function runPart(
  state: NotebookState,
  part: Pick<StartRun, 'only' | 'until'>,
  { client, store, live }: IWorkbench,
  commands: CommandRegistry,
  trans: TranslationBundle
): Promise<void> {
  const { context } = state.panel;
  try {
    if (context.model.dirty) {
      if (context.model.readOnly) {
        throw new Error(
          trans.__(
            'The notebook has changes but is read-only. Save it under another name.'
          )
        );
      }
      await context.save();
    }
    live.start();
    const detail = await client.post('/runs', {
      body: { path: state.path, ...part }
    });
    store.receiveDetail(detail);
    const { id, name } = detail.run;
    Notification.info(trans.__('Run %1 has started.', name), {
      autoClose: LONG,
      actions: [
        {
          label: trans.__('Open'),
          callback: () => void commands.execute(CommandIDs.openRun, { run: id })
        }
      ]
    });
  } catch (thrown) {
    const error = asApiError(thrown);
    const text = [error.message, error.fix].filter(Boolean).join(' ');
    const actions = [
      {
        label: trans.__('Problems'),
        callback: () => void commands.execute(CellCommandIDs.showProblems)
      }
    ];
    Notification.error(text, {
      autoClose: LONG,
      actions: error.diagnostics.length > 0 ? actions : []
    });
  }
}
