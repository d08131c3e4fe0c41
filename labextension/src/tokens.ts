/** What the plugins of this extension share with each other and with other extensions. */

import { Token } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';

import type { Client } from './api/client';
import type { Live } from './api/live';
import type { RunsStore } from './api/store';

/** A part of the sidebar: runs first; jobs, boards, endpoints, servers and schedules may join. */
export interface ISection {
  readonly id: string;
  /** Its place: small numbers are further up; the runs have 100. */
  readonly rank: number;
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
  /** Put a section into the sidebar. */
  addSection(section: ISection): void;
}

export const IWorkbench = new Token<IWorkbench>(
  'jupyter-kf:IWorkbench',
  'The workbench: its server, what is known of runs, and the sidebar they are shown in.'
);

/** Commands that one part of the extension has and others use. */
export const CommandIDs = {
  /** Show a run in the main area; takes an IOpenRun. */
  openRun: 'jupyter-kf:open-run',
  /** Compare runs in the main area; takes `{ runs: string[] }`. */
  compareRuns: 'jupyter-kf:compare-runs'
} as const;
