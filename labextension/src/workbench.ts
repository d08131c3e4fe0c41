/** The plugin that the others build on: one client, one store, one stream of changes, one sidebar. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Signal, type ISignal } from '@lumino/signaling';

import { Client } from './api/client';
import { Live } from './api/live';
import { RunsStore } from './api/store';
import { Sidebar } from './sidebar';
import { IWorkbench, type ISection } from './tokens';

/** Beside the file browser, the running kernels and the table of contents. */
const SIDEBAR_RANK = 600;

class Workbench implements IWorkbench {
  constructor(
    readonly client: Client,
    readonly store: RunsStore,
    readonly live: Live,
    private readonly sidebar: Sidebar
  ) {}

  get sidebarId(): string {
    return this.sidebar.id;
  }

  get opened(): ISignal<unknown, void> {
    return this.sidebar.opened;
  }

  addSection(section: ISection): void {
    this.sidebar.addSection(section);
  }
}

export const workbench: JupyterFrontEndPlugin<IWorkbench> = {
  id: 'jupyter-kf:plugin',
  description: 'The workbench: what all its views share, and its sidebar.',
  autoStart: true,
  provides: IWorkbench,
  optional: [ILayoutRestorer, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ): IWorkbench => {
    const trans = (translator ?? nullTranslator).load('jupyter_kf');
    const { serverSettings, events } = app.serviceManager;
    const client = new Client(serverSettings);
    const store = new RunsStore(after =>
      client.get('/changes', { query: { after } })
    );
    const live = new Live(store, events.stream);
    const sidebar = new Sidebar(trans);
    app.shell.add(sidebar, 'left', { rank: SIDEBAR_RANK, type: 'Kubeflow' });
    restorer?.add(sidebar, sidebar.id);
    sidebar.disposed.connect(() => {
      live.dispose();
      Signal.clearData(store);
    });
    return new Workbench(client, store, live, sidebar);
  }
};
