/** The plugins of what is shown in the notebook: badges, the cells' toolbar, findings. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import type { Cell } from '@jupyterlab/cells';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';

import { EditorMarks } from '../diagnostics/marks';
import { ProblemsPanel } from '../diagnostics/panel';
import { ProblemWalk } from '../diagnostics/walk';
import { CommandIDs, IWorkbench } from '../tokens';
import { Badges } from './badges';
import type { IBadgeActions } from './badge';
import { CellCommandIDs } from './commandids';
import { addCellCommands } from './commands';
import { openCellMenu } from './menu';
import { NotebookStates } from './states';
import { MarkButton } from './toolbar';

/** The place of the findings in the sidebar, above the runs; they come into it when there are any. */
const RANK = 50;

/** Cells that are steps. */
export const cellsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-kf:cells',
  description:
    'Shows what each cell is in the pipeline, changes it, and shows what is wrong with it.',
  autoStart: true,
  requires: [INotebookTracker, IWorkbench],
  optional: [ITranslator, ICommandPalette, IToolbarWidgetRegistry],
  activate
};

function activate(
  app: JupyterFrontEnd,
  tracker: INotebookTracker,
  workbench: IWorkbench,
  translator: ITranslator | null,
  palette: ICommandPalette | null,
  toolbars: IToolbarWidgetRegistry | null
): void {
  const trans = (translator ?? nullTranslator).load('jupyter_kf');
  const { commands, serviceManager } = app;
  const states = new NotebookStates(tracker, workbench, path =>
    serviceManager.contents.localPath(path)
  );
  const walk = new ProblemWalk(states, trans);
  const problems = new ProblemsPanel(tracker, states, walk, trans);
  const showPanel = () => {
    if (problems.parent === null) {
      workbench.addSection({ id: problems.id, rank: RANK, widget: problems });
    }
  };
  addCellCommands(commands, states, workbench, trans);
  addProblemCommands(app, walk, problems, showPanel, trans);
  for (const command of Object.values(CellCommandIDs)) {
    palette?.addItem({ command, category: trans.__('Kubeflow') });
  }

  const openMenu = (id: string, anchor: HTMLElement) => {
    const state = states.current;
    const index =
      state?.panel.content.widgets.findIndex(each => each.model.id === id) ??
      -1;
    if (state && index >= 0) {
      state.panel.content.deselectAll();
      state.panel.content.activeCellIndex = index;
      openCellMenu(commands, state.marking.steps, anchor, trans);
    }
  };
  const actions: IBadgeActions = {
    openMenu,
    openRun: (run, step) =>
      void commands.execute(CommandIDs.openRun, { run, step }),
    showProblems: id => {
      const first = states.current?.views.get(id)?.problems[0];
      void commands.execute(CellCommandIDs.showProblems);
      if (first) {
        void walk.reveal(first);
      }
    }
  };
  const follow = (panel: NotebookPanel) => {
    const state = states.of(panel);
    new Badges(state, actions, trans);
    new EditorMarks(state, walk, trans);
    state.changed.connect(() => {
      if (state.problems.length > 0) {
        showPanel();
      }
    });
  };
  tracker.forEach(follow);
  tracker.widgetAdded.connect((_, panel) => follow(panel));
  toolbars?.addFactory<Cell>(
    'Cell',
    'jupyter-kf-mark',
    cell => new MarkButton(cell, states.ofCell(cell), openMenu, trans)
  );
}

function addProblemCommands(
  { commands, shell }: JupyterFrontEnd,
  walk: ProblemWalk,
  panel: ProblemsPanel,
  showPanel: () => void,
  trans: TranslationBundle
): void {
  commands.addCommand(CellCommandIDs.nextProblem, {
    label: trans.__('Next Problem'),
    caption: trans.__('Go to the next problem of the notebook'),
    execute: () => walk.go(1)
  });
  commands.addCommand(CellCommandIDs.previousProblem, {
    label: trans.__('Previous Problem'),
    caption: trans.__('Go to the problem before in the notebook'),
    execute: () => walk.go(-1)
  });
  commands.addCommand(CellCommandIDs.applyFix, {
    label: trans.__('Apply Fix'),
    caption: trans.__('Apply the fix of the problem at the cursor'),
    isEnabled: () => Boolean(walk.target?.edit),
    execute: async () => {
      const { target } = walk;
      if (target) {
        await walk.fix(target);
      }
    }
  });
  commands.addCommand(CellCommandIDs.showProblems, {
    label: trans.__('Show Problems'),
    caption: trans.__('Show the list of what was found in the notebook'),
    execute: () => {
      showPanel();
      for (
        let widget: Widget | null = panel;
        widget !== null;
        widget = widget.parent
      ) {
        if (widget.parent === null || widget.id) {
          shell.activateById(widget.id);
        }
      }
      panel.node.scrollIntoView({ block: 'nearest' });
    }
  });
}
