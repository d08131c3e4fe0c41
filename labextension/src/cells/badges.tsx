/** Badges in a notebook: one above each cell that has something to show, also where cells come and go while scrolling. */

import type { Cell } from '@jupyterlab/cells';
import * as React from 'react';
import { createRoot, type Root } from 'react-dom/client';

import type { ITranslate } from '../words';
import { Badge, HUES, type IBadgeActions } from './badge';
import type { NotebookState } from './notebook';
import type { ICellView } from './view';

const HEADER = 'jp-Cell-header';
const SHOWN = 'jp-mod-KFBadge';

/** A badge in the header of a cell, which Lab keeps with the cell when it leaves the page. */
class CellBadge {
  constructor(private readonly cell: Cell) {
    cell.disposed.connect(() => this.dispose());
  }

  /** Show a view, once the cell has been drawn for the first time. */
  async show(render: (() => JSX.Element) | null, key: string): Promise<void> {
    if (key === this._key) {
      return;
    }
    this._key = key;
    await this.cell.ready;
    if (key !== this._key || this.cell.isDisposed) {
      return;
    }
    const host = this.host();
    if (host === null) {
      return;
    }
    host.parentElement?.classList.toggle(SHOWN, render !== null);
    this._root ??= createRoot(host);
    this._root.render(render ? render() : null);
  }

  dispose(): void {
    const root = this._root;
    this._root = null;
    this._key = '';
    // React does not like to be unmounted while it renders
    setTimeout(() => root?.unmount(), 0);
    this._host?.parentElement?.classList.remove(SHOWN);
    this._host?.remove();
    this._host = null;
  }

  private host(): HTMLElement | null {
    if (this._host === null) {
      const header = Array.from(this.cell.layout ?? []).find(each =>
        each.hasClass(HEADER)
      );
      if (!header) {
        return null;
      }
      this._host = document.createElement('div');
      header.node.append(this._host);
    }
    return this._host;
  }

  private _host: HTMLElement | null = null;
  private _root: Root | null = null;
  private _key = '';
}

/** Keeps the badges of one notebook as its state says. */
export class Badges {
  constructor(
    private readonly state: NotebookState,
    private readonly actions: IBadgeActions,
    private readonly trans: ITranslate
  ) {
    state.changed.connect(this.update, this);
    this.update();
  }

  private update(): void {
    const { panel, views, marking } = this.state;
    for (const cell of panel.content.widgets) {
      const view = views.get(cell.model.id);
      let badge = this._badges.get(cell);
      if (!badge && view) {
        badge = new CellBadge(cell);
        this._badges.set(cell, badge);
      }
      if (badge) {
        const hue = view ? marking.steps.indexOf(view.step) % HUES : 0;
        const key = view ? JSON.stringify([view, hue]) : '';
        void badge.show(view ? () => this.render(view, hue) : null, key);
      }
    }
  }

  private render(view: ICellView, hue: number): JSX.Element {
    return (
      <Badge view={view} hue={hue} actions={this.actions} trans={this.trans} />
    );
  }

  private readonly _badges = new WeakMap<Cell, CellBadge>();
}
