/** Running the notebook that is open: saved first, asked for parameters, started, shown. */

import { Dialog, Notification } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Client } from '../api/client';
import { asApiError, type ApiError } from '../api/errors';
import type { RunsStore } from '../api/store';
import type { Check, Diagnostic } from '../api/types';
import type { RunActions } from './actions';
import { beginning, refusals, request, type IFormValues } from './form';
import { RunForm } from './formView';

export class Starter {
  constructor(
    private readonly client: Client,
    private readonly store: RunsStore,
    private readonly actions: RunActions,
    private readonly contents: Contents.IManager,
    private readonly trans: TranslationBundle
  ) {}

  /** Run a notebook: `asking` for parameters, or with what it says itself. Returns the run's id, or null. */
  async start(panel: NotebookPanel, asking: boolean): Promise<string | null> {
    try {
      const path = await this.saved(panel);
      const check = await this.client.get('/notebooks/check', {
        query: { path }
      });
      let values = beginning(check, this.experimentOf(path));
      let error: ApiError | null = null;
      let ask = asking || refusals(check).length > 0;
      for (;;) {
        if (ask) {
          const answer = await this.ask(panel, check, values, error);
          if (answer === null) {
            return null;
          }
          values = answer;
        }
        try {
          const run = await this.actions.start(request(path, check, values));
          return run.id;
        } catch (thrown) {
          error = asApiError(thrown);
          ask = true;
        }
      }
    } catch (thrown) {
      const error = asApiError(thrown);
      const text = [error.message, error.fix].filter(Boolean).join(' ');
      Notification.error(text, { autoClose: 10_000 });
      return null;
    }
  }

  /** Save what has changed; return the path that the server knows the notebook by. */
  private async saved(panel: NotebookPanel): Promise<string> {
    const { context } = panel;
    await context.ready;
    const drive = this.contents.driveName(context.path);
    if (drive !== '' && drive !== 'RTC') {
      throw new Error(
        this.trans.__(
          'The notebook lies in the drive “%1”, where steps cannot reach it. Copy it to the server’s own folder.',
          drive
        )
      );
    }
    if (context.model.dirty) {
      if (context.model.readOnly) {
        throw new Error(
          this.trans.__(
            'The notebook has changes but is read-only. Save it under another name.'
          )
        );
      }
      await context.save();
    }
    return this.contents.localPath(context.path);
  }

  /** The experiment of the notebook's newest run that is known. */
  private experimentOf(path: string): string {
    let newest = '';
    let experiment = '';
    for (const run of this.store.runs()) {
      if (run.path === path && (run.created ?? '') > newest) {
        newest = run.created ?? '';
        experiment = run.experiment;
      }
    }
    return experiment;
  }

  private async ask(
    panel: NotebookPanel,
    check: Check,
    values: IFormValues,
    error: ApiError | null
  ): Promise<IFormValues | null> {
    const { trans } = this;
    const { experiments } = await this.client.get('/experiments', {});
    const dialog: Dialog<IFormValues> = new Dialog({
      title: trans.__('Run %1', panel.title.label),
      body: new RunForm({
        check,
        values,
        experiments: experiments.map(one => one.name),
        error,
        onJump: diagnostic => {
          dialog.reject();
          void showCell(panel, diagnostic);
        },
        trans
      }),
      buttons: [
        Dialog.cancelButton(),
        Dialog.okButton({ label: trans.__('Run') })
      ],
      focusNodeSelector: 'fieldset input, fieldset textarea'
    });
    dialog.addClass('jp-KFRunForm-dialog');
    const answer = await dialog.launch();
    return answer.button.accept ? answer.value : null;
  }
}

/** Bring the cell of a diagnostic into sight. */
async function showCell(
  panel: NotebookPanel,
  diagnostic: Diagnostic
): Promise<void> {
  const { content } = panel;
  const known = content.widgets.findIndex(
    cell => cell.model.id === diagnostic.cell
  );
  const index = known >= 0 ? known : diagnostic.cell_index;
  if (index !== null && index < content.widgets.length) {
    content.activeCellIndex = index;
    await content.scrollToItem(index, 'smart');
    content.widgets[index].editor?.setCursorPosition({
      line: Math.max(0, (diagnostic.line ?? 1) - 1),
      column: 0
    });
  }
}
