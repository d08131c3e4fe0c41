/** The sidebar's section of runs as a widget; its code is loaded when the sidebar is first shown. */

import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import React from 'react';

import type { Run } from '../api/types';
import { CommandIDs, type IWorkbench } from '../tokens';
import type { RunActions } from './actions';
import { RunList } from './model';
import { RunsPanelModel } from './panelModel';
import type { IRowActions } from './row';
import { RunsView } from './view';

export class RunsSection extends ReactWidget {
  constructor(
    private readonly workbench: IWorkbench,
    private readonly actions: RunActions,
    private readonly commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {
    super();
    const { client, store } = workbench;
    this.list = new RunList(store, (query, signal) =>
      client.get('/runs', { query }, signal)
    );
    this.model = new RunsPanelModel(this.list);
    this.id = 'jupyter-kf-runs';
    this.addClass('jp-KFRuns-section');
    this.title.label = trans.__('Runs');
    this.rowActions = this.makeRowActions();
  }

  readonly list: RunList;
  readonly model: RunsPanelModel;

  /** Ask for the runs and follow them. */
  async start(): Promise<void> {
    await this.model.show();
    // after the first answer: changes are counted from it
    this.workbench.live.start();
  }

  /** Give the keyboard back to the row that a menu was opened for, unless it went elsewhere. */
  focusAgain(): void {
    const key = this.model.selection.current;
    if (!this.aimed || key === null) {
      return;
    }
    this.aimed = false;
    requestAnimationFrame(() => {
      if (document.activeElement === document.body) {
        this.node
          .querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)
          ?.focus();
      }
    });
  }

  override dispose(): void {
    this.model.dispose();
    this.list.dispose();
    super.dispose();
  }

  protected override render(): JSX.Element {
    const { commands } = this;
    return (
      <RunsView
        model={this.model}
        list={this.list}
        live={this.workbench.live}
        actions={this.rowActions}
        onRun={() => void commands.execute(CommandIDs.runNotebook)}
        onCompare={() => void commands.execute(CommandIDs.compareChosen)}
        onDelete={() => void commands.execute(CommandIDs.deleteRuns)}
        trans={this.trans}
      />
    );
  }

  private makeRowActions(): IRowActions {
    const { actions, model } = this;
    return {
      open: run => void actions.open(run),
      openFailed: (run: Run) =>
        void actions.open(run.id, run.progress.failed_step ?? undefined),
      choose: (run, range) => model.toggle(run, range),
      cancel: run => void actions.cancel(run),
      resume: run => void actions.resume(run, false),
      aim: run => {
        this.aimed = true;
        model.aim(run);
      },
      focus: key => model.setCurrent(key),
      fold: experiment => model.foldExperiment(experiment)
    };
  }

  private readonly rowActions: IRowActions;
  private aimed = false;
}
