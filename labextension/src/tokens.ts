/** What the plugins of this extension share with each other and with other extensions. */

import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';

import type { Client } from './api/client';
import type { Live } from './api/live';
import type { RunsStore } from './api/store';

/** A part of the sidebar: runs first; jobs, boards, endpoints, servers and schedules may join. */
export interface ISection {
  readonly id: string;
  /** Its place: small numbers are further up; the runs have 100. */
  readonly rank: number;
  /** Its share of the height beside the others; 1 where nothing is said, the runs have 4. */
  readonly share?: number;
  /** What is shown; `title.label` is the heading. */
  readonly widget: Widget;
}

/** What can be asked of `jupyter-kf:open-run`. */
export interface IOpenRun {
  readonly run: string;
  readonly step?: string;
  /** A part of the run view. */
  readonly view?: string;
}

export interface IWorkbench {
  readonly client: Client;
  readonly store: RunsStore;
  /** The stream of changes; a view starts it when it is first shown. */
  readonly live: Live;
  /** The sidebar, for `app.shell.activateById`. */
  readonly sidebarId: string;
  /** Emitted when the sidebar is shown for the first time: load what its sections need then. */
  readonly opened: ISignal<unknown, void>;
  /** Put a section into the sidebar. */
  addSection(section: ISection): void;
}

export const IWorkbench = new Token<IWorkbench>(
  'jupyter-kf:IWorkbench',
  'The workbench: its server, what is known of runs, and the sidebar they are shown in.'
);

/**
 * Commands that one part of the extension has and others use.
 *
 * Shortcuts are chords that begin with Alt K, which JupyterLab leaves free.
 */
export const CommandIDs = {
  /** Save the open notebook, ask for parameters and run it. */
  runNotebook: 'jupyter-kf:run-notebook',
  /** The same without asking. */
  runNotebookNow: 'jupyter-kf:run-notebook-now',
  /** Show the sidebar. */
  showRuns: 'jupyter-kf:show-runs',
  refreshRuns: 'jupyter-kf:refresh-runs',
  /** These take `{ run: id }`; without, they are for what is chosen in the sidebar. */
  openChosen: 'jupyter-kf:open-chosen-run',
  cancelRun: 'jupyter-kf:cancel-run',
  resumeRun: 'jupyter-kf:resume-run',
  resumeEdited: 'jupyter-kf:resume-run-edited',
  openNotebook: 'jupyter-kf:open-run-notebook',
  copyId: 'jupyter-kf:copy-run-id',
  deleteRuns: 'jupyter-kf:delete-runs',
  /** Compare what is chosen in the sidebar. */
  compareChosen: 'jupyter-kf:compare-chosen-runs',
  /** Show a run in the main area; takes an IOpenRun. */
  openRun: 'jupyter-kf:open-run',
  /** Compare runs in the main area; takes `{ runs: string[] }`. */
  compareRuns: 'jupyter-kf:compare-runs'
} as const;
