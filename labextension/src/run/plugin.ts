/** The run view: commands that open a run, or several side by side. What they show is loaded with the first. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  InputDialog,
  MainAreaWidget,
  Notification,
  WidgetTracker
} from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { asApiError } from '../api/errors';
import type { Run } from '../api/types';
import { workbenchIcon } from '../icons';
import { CommandIDs, IWorkbench } from '../tokens';
import { moment } from '../words';
import type { ISurroundings } from './context';
import type { IRunPlace } from './view';
import type { CompareWidget, RunWidget } from './widget';

/** The most runs that the server compares. */
const MOST = 12;

export const runView: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-kf:run-view',
  description: 'Runs in the main area, alone and side by side.',
  autoStart: true,
  requires: [IWorkbench, IRenderMimeRegistry],
  optional: [
    IEditorLanguageRegistry,
    ILayoutRestorer,
    ITranslator,
    ICommandPalette
  ],
  activate: (
    app: JupyterFrontEnd,
    workbench: IWorkbench,
    rendermime: IRenderMimeRegistry,
    languages: IEditorLanguageRegistry | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('jupyter_kf');
    const views = new RunViews(app, workbench, rendermime, languages, trans);
    views.addCommands(palette);
    if (restorer) {
      views.restore(restorer);
    }
  }
};

class RunViews {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly workbench: IWorkbench,
    private readonly rendermime: IRenderMimeRegistry,
    private readonly languages: IEditorLanguageRegistry | null,
    private readonly trans: TranslationBundle
  ) {}

  addCommands(palette: ICommandPalette | null): void {
    const { commands } = this.app;
    const { trans } = this;
    commands.addCommand(CommandIDs.openRun, {
      label: args =>
        typeof args.run === 'string'
          ? trans.__('Open Run')
          : trans.__('Open Last Run'),
      caption: trans.__('Show a run: graph, timeline, logs, values'),
      icon: workbenchIcon,
      execute: async args => {
        const run = text(args.run) ?? (await this.lastRun());
        return run === null ? null : this.open(run, placeOf(args));
      }
    });
    commands.addCommand(CommandIDs.compareRuns, {
      label: trans.__('Compare Runs Side by Side'),
      icon: workbenchIcon,
      isEnabled: args => runsOf(args).length > 1,
      execute: args => this.compare(runsOf(args))
    });
    const category = trans.__('Kubeflow');
    palette?.addItem({ command: CommandIDs.openRun, category });
  }

  /** Open again after a reload what was open. */
  restore(restorer: ILayoutRestorer): void {
    void restorer.restore(this.runs, {
      command: CommandIDs.openRun,
      args: ({ content }) => ({
        run: content.model.id,
        place: { ...content.place } as ReadonlyPartialJSONObject
      }),
      name: ({ content }) => content.model.id
    });
    void restorer.restore(this.comparisons, {
      command: CommandIDs.compareRuns,
      args: ({ content }) => ({ runs: [...content.runs] }),
      name: ({ content }) => content.runs.join(' ')
    });
  }

  private async open(
    run: string,
    place: Partial<IRunPlace>
  ): Promise<MainAreaWidget<RunWidget>> {
    const { RunWidget } = await import('./widget');
    this.workbench.live.start();
    let widget = this.runs.find(({ content }) => content.model.id === run);
    if (widget) {
      if (Object.keys(place).length > 0) {
        widget.content.goTo(place);
      }
    } else {
      const content = new RunWidget(
        run,
        this.workbench,
        this.surroundings,
        place
      );
      widget = new MainAreaWidget({ content });
      widget.id = `jupyter-kf-run-${run}`;
      content.placeChanged.connect(() => {
        if (widget) {
          void this.runs.save(widget);
        }
      });
    }
    await this.show(widget);
    if (!this.runs.has(widget)) {
      await this.runs.add(widget);
    }
    return widget;
  }

  private async compare(
    runs: readonly string[]
  ): Promise<MainAreaWidget<CompareWidget>> {
    const { CompareWidget } = await import('./widget');
    const id = `jupyter-kf-compare-${runs.join('-')}`;
    let widget = this.comparisons.find(one => one.id === id);
    if (!widget) {
      const content = new CompareWidget(runs, this.surroundings);
      widget = new MainAreaWidget({ content });
      widget.id = id;
    }
    await this.show(widget);
    if (!this.comparisons.has(widget)) {
      await this.comparisons.add(widget);
    }
    return widget;
  }

  private async show(
    widget: MainAreaWidget<RunWidget> | MainAreaWidget<CompareWidget>
  ): Promise<void> {
    if (!widget.isAttached) {
      widget.toolbar.hide();
      this.app.shell.add(widget, 'main', { type: 'Kubeflow' });
    }
    this.app.shell.activateById(widget.id);
  }

  private get surroundings(): ISurroundings {
    const { commands } = this.app;
    const { client } = this.workbench;
    const execute = (id: string, args: ReadonlyPartialJSONObject) => {
      commands.execute(id, args).catch((error: unknown) => {
        Notification.error(asApiError(error).message);
      });
    };
    this._surroundings ??= {
      client,
      rendermime: this.rendermime,
      languages: this.languages,
      trans: this.trans,
      open: place => execute(CommandIDs.openRun, { ...place }),
      command: (id, run) => execute(id, { run: run.id }),
      compareWith: run => void this.compareWith(run),
      openNotebook: run => execute(CommandIDs.openNotebook, { run: run.id }),
      openCell: place => {
        import('./jump')
          .then(({ openCell }) => openCell(commands, place))
          .catch((error: unknown) => {
            Notification.error(asApiError(error).message);
          });
      }
    };
    return this._surroundings;
  }

  /** Ask which other runs to show beside a run. */
  private async compareWith(run: Run): Promise<void> {
    const { trans } = this;
    try {
      const page = await this.workbench.client.get('/runs', {
        query: { limit: 100, kind: run.kind }
      });
      const near = (one: Run) => Number(one.notebook !== run.notebook);
      const others = page.runs
        .filter(one => one.id !== run.id)
        .sort((a, b) => near(a) - near(b));
      if (others.length === 0) {
        Notification.info(trans.__('There is no other run to compare with.'));
        return;
      }
      const items = others.map(
        one => `${one.name} · ${moment(one.created)} · ${one.id}`
      );
      const { value } = await InputDialog.getMultipleItems({
        title: trans.__('Compare “%1” with', run.name),
        items
      });
      const chosen = others.filter((_, i) => value?.includes(items[i]));
      if (chosen.length > 0) {
        const runs = [run, ...chosen].slice(0, MOST).map(one => one.id);
        await this.compare(runs);
      }
    } catch (error) {
      Notification.error(asApiError(error).message);
    }
  }

  private async lastRun(): Promise<string | null> {
    const { trans } = this;
    const page = await this.workbench.client.get('/runs', {
      query: { limit: 1 }
    });
    if (page.runs.length === 0) {
      Notification.info(trans.__('There is no run yet.'));
      return null;
    }
    return page.runs[0].id;
  }

  private readonly runs = new WidgetTracker<MainAreaWidget<RunWidget>>({
    namespace: 'jupyter-kf-runs'
  });
  private readonly comparisons = new WidgetTracker<
    MainAreaWidget<CompareWidget>
  >({ namespace: 'jupyter-kf-comparisons' });
  private _surroundings: ISurroundings | null = null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value ? value : null;
}

function runsOf(args: ReadonlyPartialJSONObject): string[] {
  const { runs } = args;
  return Array.isArray(runs)
    ? runs.filter((run): run is string => typeof run === 'string')
    : [];
}

/** Where in a run to go: as a command says it, or as it was kept over a reload. */
function placeOf(args: ReadonlyPartialJSONObject): Partial<IRunPlace> {
  const kept =
    typeof args.place === 'object' && args.place !== null ? args.place : {};
  const step = text(args.step);
  const view = text(args.view);
  return {
    ...(kept as Partial<IRunPlace>),
    ...(step !== null ? { step } : {}),
    ...(view !== null ? { view } : {})
  };
}
