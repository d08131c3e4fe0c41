/** The control in a cell's own toolbar: what the cell is, and the menu of what it can be. */

import type { Cell } from '@jupyterlab/cells';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import { workbenchIcon } from '../icons';
import { roleWord } from './badge';
import type { NotebookState } from './notebook';

/** Open the menu of a cell below an element. */
export type OpenMenu = (cell: string, anchor: HTMLElement) => void;

/** An item of the toolbar of a code cell; in others it is not to be seen. */
export class MarkButton extends ReactWidget {
  constructor(
    private readonly cell: Cell,
    private readonly state: NotebookState | null,
    private readonly openMenu: OpenMenu,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-KFMarkButton');
    this.setHidden(cell.model.type !== 'code');
    state?.changed.connect(this.update, this);
  }

  override dispose(): void {
    this.state?.changed.disconnect(this.update, this);
    super.dispose();
  }

  protected render(): JSX.Element {
    const { trans } = this;
    const { id } = this.cell.model;
    const mark = this.state?.marking.marks.get(id);
    const word = mark && (mark.step || roleWord(mark.role, trans));
    const title = word
      ? trans.__('In the pipeline: %1. Change it', word)
      : trans.__('Make the cell a step of a pipeline');
    return (
      <button
        type="button"
        className="jp-KFMarkButton-button"
        aria-haspopup="menu"
        aria-label={title}
        title={title}
        onClick={event => this.openMenu(id, event.currentTarget)}
      >
        <workbenchIcon.react tag="span" elementSize="normal" />
        {word && <span className="jp-KFMarkButton-word">{word}</span>}
      </button>
    );
  }
}
