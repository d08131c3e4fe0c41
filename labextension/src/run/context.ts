/** What the views of a run need of their surroundings. */

import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { createContext, useContext } from 'react';

import type { Client } from '../api/client';
import type { Run } from '../api/types';

/** A place in a run: a step, a view of it, an artifact. */
export interface IPlaceInRun {
  readonly run: string;
  readonly step?: string;
  readonly view?: string;
}

/** A cell of a notebook, by its id or, where that is gone, by its number. */
export interface ICellPlace {
  readonly path: string;
  readonly cell: string | null;
  readonly index?: number | null;
  /** Counted from 1. */
  readonly line?: number | null;
}

/** What can be done from a view of runs. */
export interface ISurroundings {
  readonly client: Client;
  readonly rendermime: IRenderMimeRegistry;
  readonly languages: IEditorLanguageRegistry | null;
  readonly trans: TranslationBundle;
  open(place: IPlaceInRun): void;
  /** Execute a command for a run, such as to cancel it. */
  command(id: string, run: Run): void;
  /** Ask which runs to compare this one with, and show them side by side. */
  compareWith(run: Run): void;
  openNotebook(run: Run): void;
  /** Open the notebook, scroll to the cell and select it. */
  openCell(place: ICellPlace): void;
}

const Context = createContext<ISurroundings | null>(null);

export const SurroundingsProvider = Context.Provider;

export function useSurroundings(): ISurroundings {
  const found = useContext(Context);
  if (!found) {
    throw new Error('A view of runs is drawn outside of its surroundings.');
  }
  return found;
}
