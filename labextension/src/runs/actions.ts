/** What can be done with runs, each with its confirmation and with errors told to the user. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import type { Client } from '../api/client';
import { asApiError } from '../api/errors';
import { isFinal, type RunsStore } from '../api/store';
import type { Run, StartRun } from '../api/types';
import { CommandIDs } from '../tokens';

export class RunActions {
  constructor(
    private readonly client: Client,
    private readonly store: RunsStore,
    private readonly commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {}

  /** Start a run; throws an ApiError, which the form shows. */
  async start(body: StartRun): Promise<Run> {
    const detail = await this.client.post('/runs', { body });
    this.store.receiveDetail(detail);
    return detail.run;
  }

  async open(run: string, step?: string): Promise<void> {
    // the run view is a plugin of its own, which a user may switch off
    if (this.commands.hasCommand(CommandIDs.openRun)) {
      await this.commands.execute(CommandIDs.openRun, { run, step });
    }
  }

  async compare(runs: readonly string[]): Promise<void> {
    if (this.commands.hasCommand(CommandIDs.compareRuns)) {
      await this.commands.execute(CommandIDs.compareRuns, { runs: [...runs] });
    }
  }

  async cancel(run: string): Promise<void> {
    await this.attempt(async () => {
      const path = { run };
      this.store.receiveRun(
        await this.client.post('/runs/{run}/cancel', { path })
      );
    });
  }

  /** Go on with a run that ended early; `edited`: with the notebook as it is saved now. */
  async resume(run: string, edited: boolean): Promise<void> {
    await this.attempt(async () => {
      const detail = await this.client.post('/runs/{run}/resume', {
        path: { run },
        body: { edited }
      });
      this.store.receiveDetail(detail);
    });
  }

  /** Forget finished runs after a question; say whether it was done. */
  async delete(runs: readonly Run[]): Promise<boolean> {
    const finished = runs.filter(isFinal);
    if (finished.length === 0) {
      return false;
    }
    const { trans } = this;
    const what = trans._n(
      'Delete the run “%2”?',
      'Delete %1 runs?',
      finished.length,
      finished[0].name
    );
    const answer = await showDialog({
      title: what,
      body: trans.__(
        'Outputs and logs go at once, values when nothing else uses them. This cannot be undone.'
      ),
      buttons: [
        Dialog.cancelButton(),
        Dialog.warnButton({ label: trans.__('Delete') })
      ],
      defaultButton: 0
    });
    if (!answer.button.accept) {
      return false;
    }
    return this.attempt(async () => {
      const { deleted } = await this.client.post('/runs/delete', {
        body: { runs: finished.map(run => run.id) }
      });
      this.store.receiveDeleted(deleted);
    });
  }

  /** Open the notebook of a run. */
  async openNotebook(run: Run): Promise<void> {
    if (run.path !== null) {
      await this.commands.execute('docmanager:open', { path: run.path });
    }
  }

  /** Do something; tell why it did not work. */
  private async attempt(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (thrown) {
      const error = asApiError(thrown);
      const text = [error.message, error.fix].filter(Boolean).join(' ');
      Notification.error(text, { autoClose: 10_000 });
      return false;
    }
  }
}
