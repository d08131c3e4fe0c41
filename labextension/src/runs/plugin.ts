/** Runs in the sidebar, and the commands for them. What shows and starts runs is loaded when it is first needed. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Clipboard, ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import {
  copyIcon,
  deleteIcon,
  notebookIcon,
  refreshIcon,
  stopIcon,
  type LabIcon
} from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { Run } from '../api/types';
import { runPipelineIcon, workbenchIcon } from '../icons';
import { CommandIDs, IWorkbench } from '../tokens';
import { RunActions } from './actions';
import type { RunsSection } from './section';
import { abilities } from './words';

const SECTION_RANK = 100;

/** Commands of a run's menu, in order; null for a line between. */
const MENU: readonly (string | null)[] = [
  CommandIDs.openChosen,
  CommandIDs.openNotebook,
  null,
  CommandIDs.cancelRun,
  CommandIDs.resumeRun,
  CommandIDs.resumeEdited,
  null,
  CommandIDs.compareChosen,
  CommandIDs.copyId,
  null,
  CommandIDs.deleteRuns
];

export const runs: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-kf:runs',
  description: 'Runs in the sidebar, and the commands for them.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [INotebookTracker, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    workbench: IWorkbench,
    tracker: INotebookTracker | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('jupyter_kf');
    const plugin = new RunsPlugin(app, workbench, tracker, trans);
    plugin.addCommands(palette);
    workbench.opened.connect(() => void plugin.open());
  }
};

/** What a command for runs does, and for which of them. */
interface IRunCommand {
  readonly label: string;
  readonly caption?: string;
  readonly icon: LabIcon;
  /** Whether it can be done with these runs, of which there is at least one. */
  fits(runs: readonly Run[]): boolean;
  execute(runs: readonly Run[]): Promise<unknown>;
}

class RunsPlugin {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly workbench: IWorkbench,
    private readonly tracker: INotebookTracker | null,
    private readonly trans: TranslationBundle
  ) {
    const { client, store } = workbench;
    this.actions = new RunActions(client, store, app.commands, trans);
  }

  /** Fill the sidebar's section, once. */
  open(): Promise<RunsSection> {
    this.section ??= this.load();
    return this.section;
  }

  addCommands(palette: ICommandPalette | null): void {
    const { commands } = this.app;
    const { trans } = this;
    const category = trans.__('Kubeflow');
    const add = (
      id: string,
      options: Parameters<typeof commands.addCommand>[1]
    ) => {
      commands.addCommand(id, options);
      palette?.addItem({ command: id, category });
    };
    add(CommandIDs.showRuns, {
      label: trans.__('Show Runs'),
      icon: workbenchIcon,
      execute: () => this.app.shell.activateById(this.workbench.sidebarId)
    });
    add(CommandIDs.runNotebook, {
      label: trans.__('Run Notebook as Pipeline…'),
      caption: trans.__(
        'Save the notebook, choose parameters and run its cells as a pipeline'
      ),
      icon: runPipelineIcon,
      isEnabled: () => this.notebook !== null,
      execute: () => this.start(true)
    });
    add(CommandIDs.runNotebookNow, {
      label: trans.__('Run Notebook as Pipeline without Asking'),
      icon: runPipelineIcon,
      isEnabled: () => this.notebook !== null,
      execute: () => this.start(false)
    });
    add(CommandIDs.refreshRuns, {
      label: trans.__('Refresh Runs'),
      icon: refreshIcon,
      execute: async () => (await this.open()).list.refresh()
    });
    for (const [id, command] of Object.entries(this.runCommands())) {
      add(id, {
        label: command.label,
        caption: command.caption,
        icon: command.icon,
        isEnabled: args => {
          const targets = this.targets(args);
          // a run that is named but not known here is the server's to judge
          return targets.length > 0
            ? command.fits(targets)
            : typeof args.run === 'string';
        },
        execute: async args => command.execute(await this.loaded(args))
      });
    }
    MENU.forEach((command, rank) => {
      this.app.contextMenu.addItem({
        selector: '.jp-KFRuns-run',
        rank,
        ...(command === null ? { type: 'separator' } : { command })
      });
    });
  }

  private runCommands(): Record<string, IRunCommand> {
    const { actions, trans } = this;
    const one = (test: (run: Run) => boolean) => (runs: readonly Run[]) =>
      runs.length === 1 && test(runs[0]);
    const all = (test: (run: Run) => boolean) => (runs: readonly Run[]) =>
      runs.every(test);
    const each =
      (action: (run: Run) => Promise<unknown>) => (runs: readonly Run[]) =>
        Promise.all(runs.map(action));
    return {
      [CommandIDs.openChosen]: {
        label: trans.__('Open Run'),
        icon: workbenchIcon,
        fits: one(() => true),
        execute: each(run => actions.open(run.id))
      },
      [CommandIDs.openNotebook]: {
        label: trans.__('Open Notebook of Run'),
        icon: notebookIcon,
        fits: one(run => run.path !== null),
        execute: each(run => actions.openNotebook(run))
      },
      [CommandIDs.cancelRun]: {
        label: trans.__('Cancel Run'),
        icon: stopIcon,
        fits: all(run => abilities(run).cancel),
        execute: each(run => actions.cancel(run.id))
      },
      [CommandIDs.resumeRun]: {
        label: trans.__('Resume Run'),
        caption: trans.__(
          'Go on where the run ended, with the notebook as it was'
        ),
        icon: refreshIcon,
        fits: all(run => abilities(run).resume),
        execute: each(run => actions.resume(run.id, false))
      },
      [CommandIDs.resumeEdited]: {
        label: trans.__('Resume Run with Edited Notebook'),
        caption: trans.__('Go on with the notebook as it is saved now'),
        icon: refreshIcon,
        fits: one(run => abilities(run).edited),
        execute: each(run => this.resumeEdited(run))
      },
      [CommandIDs.compareChosen]: {
        label: trans.__('Compare Runs'),
        caption: trans.__('Compare the runs that are chosen in the sidebar'),
        icon: workbenchIcon,
        fits: runs => runs.length > 1 && runs.length <= 12,
        execute: runs => actions.compare(runs.map(run => run.id))
      },
      [CommandIDs.copyId]: {
        label: trans.__('Copy Run Id'),
        icon: copyIcon,
        fits: all(() => true),
        execute: async runs =>
          Clipboard.copyToSystem(runs.map(run => run.id).join(' '))
      },
      [CommandIDs.deleteRuns]: {
        label: trans.__('Delete Run…'),
        icon: deleteIcon,
        fits: all(run => abilities(run).remove),
        execute: runs => actions.delete(runs)
      }
    };
  }

  private async load(): Promise<RunsSection> {
    const { RunsSection } = await import('./section');
    const { workbench, actions, app, trans, tracker } = this;
    const section = new RunsSection(workbench, actions, app.commands, trans);
    this.model = section.model;
    workbench.addSection({
      id: section.id,
      rank: SECTION_RANK,
      share: 4,
      widget: section
    });
    app.contextMenu.menu.aboutToClose.connect(() => section.focusAgain());
    section.model.changed.connect(() => {
      app.commands.notifyCommandChanged();
    });
    const follow = () => void section.model.setNotebook(this.path);
    const watched = new WeakSet<NotebookPanel>();
    const watch = (panel: NotebookPanel | null) => {
      if (panel && !watched.has(panel)) {
        watched.add(panel);
        panel.context.pathChanged.connect(follow);
      }
      follow();
    };
    tracker?.currentChanged.connect((_, panel) => watch(panel));
    watch(tracker?.currentWidget ?? null);
    void section.start();
    return section;
  }

  private async start(asking: boolean): Promise<void> {
    const panel = this.notebook;
    if (panel === null) {
      return;
    }
    const { Starter } = await import('./start');
    const { client, store } = this.workbench;
    const { contents } = this.app.serviceManager;
    const starter = new Starter(
      client,
      store,
      this.actions,
      contents,
      this.trans
    );
    const run = await starter.start(panel, asking);
    if (run !== null) {
      this.workbench.live.start();
      this.model?.setCurrent(run);
      await this.actions.open(run);
    }
  }

  /** Resume with the notebook as it is on the screen, where it is open. */
  private async resumeEdited(run: Run): Promise<void> {
    const { contents } = this.app.serviceManager;
    const open = this.tracker?.find(
      panel => contents.localPath(panel.context.path) === run.path
    );
    if (open?.context.model.dirty) {
      await open.context.save();
    }
    await this.actions.resume(run.id, true);
  }

  private get notebook(): NotebookPanel | null {
    return this.tracker?.currentWidget ?? null;
  }

  /** The path of the open notebook as the server knows it. */
  private get path(): string | null {
    const panel = this.notebook;
    const { contents } = this.app.serviceManager;
    return panel ? contents.localPath(panel.context.path) : null;
  }

  /** The runs that a command is for, as far as they are known here. */
  private targets(args: ReadonlyPartialJSONObject): readonly Run[] {
    if (typeof args.run === 'string') {
      const run = this.workbench.store.run(args.run);
      return run ? [run] : [];
    }
    return this.model?.targets ?? [];
  }

  private async loaded(
    args: ReadonlyPartialJSONObject
  ): Promise<readonly Run[]> {
    const known = this.targets(args);
    if (known.length > 0 || typeof args.run !== 'string') {
      return known;
    }
    const path = { run: args.run };
    const detail = await this.workbench.client.get('/runs/{run}', { path });
    return [detail.run];
  }

  private readonly actions: RunActions;
  private section: Promise<RunsSection> | null = null;
  private model: RunsSection['model'] | null = null;
}
