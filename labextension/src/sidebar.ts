/** The panel at the side: a heading and sections, each filled when it is first seen. */

import { SidePanel } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Signal, type ISignal } from '@lumino/signaling';
import { AccordionPanel } from '@lumino/widgets';

import { workbenchIcon } from './icons';
import type { ISection } from './tokens';

export const SIDEBAR_ID = 'jupyter-kf-panel';

export class Sidebar extends SidePanel {
  constructor(trans: TranslationBundle) {
    super();
    this.id = SIDEBAR_ID;
    this.addClass('jp-KFSidebar');
    this.title.icon = workbenchIcon;
    this.title.caption = trans.__('Kubeflow: runs of notebooks');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Kubeflow'));
  }

  /** Emitted when the panel is shown for the first time. */
  get opened(): ISignal<this, void> {
    return this._opened;
  }

  /** Put a section in its place; those of the same rank in the order in which they came. */
  addSection(section: ISection): void {
    const next = this._sections.findIndex(one => one.rank > section.rank);
    const at = next < 0 ? this._sections.length : next;
    this._sections.splice(at, 0, section);
    section.widget.id ||= section.id;
    this.insertWidget(at, section.widget);
    if (this.content instanceof AccordionPanel) {
      this.content.setRelativeSizes(
        this._sections.map(({ share = 1 }) => share)
      );
    }
  }

  protected override onBeforeShow(message: Message): void {
    super.onBeforeShow(message);
    if (!this._wasOpened) {
      this._wasOpened = true;
      this._opened.emit();
    }
  }

  private readonly _opened = new Signal<this, void>(this);
  private readonly _sections: ISection[] = [];
  private _wasOpened = false;
}
