/** The menu of what a cell can be. */

import { MenuSvg } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import { Menu } from '@lumino/widgets';

import type { ITranslate } from '../words';
import { CellCommandIDs } from './commandids';

/** More steps than these are in a menu of their own. */
const FEW = 12;

/** Open the menu for the active cell below an element. */
export function openCellMenu(
  commands: CommandRegistry,
  steps: readonly string[],
  anchor: HTMLElement,
  trans: ITranslate
): void {
  const menu = new MenuSvg({ commands });
  const add = (into: Menu, command: string, args: ReadonlyJSONObject = {}) =>
    into.addItem({ command, args });
  let names: Menu = menu;
  if (steps.length > FEW) {
    names = new MenuSvg({ commands });
    names.title.label = trans.__('Step');
    menu.addItem({ type: 'submenu', submenu: names });
  }
  for (const step of steps) {
    add(names, CellCommandIDs.mark, { role: 'step', step });
  }
  add(menu, CellCommandIDs.options, { isNew: true });
  menu.addItem({ type: 'separator' });
  for (const role of ['params', 'setup', 'skip', '']) {
    add(menu, CellCommandIDs.mark, { role });
  }
  menu.addItem({ type: 'separator' });
  add(menu, CellCommandIDs.options);
  add(menu, CellCommandIDs.runUntil);
  add(menu, CellCommandIDs.runOnly);
  menu.aboutToClose.connect(() => {
    // the command that was chosen runs after the menu closes, and may take the focus
    setTimeout(() => {
      menu.dispose();
      if (anchor.isConnected && document.activeElement === document.body) {
        anchor.focus();
      }
    }, 0);
  });
  const { left, bottom } = anchor.getBoundingClientRect();
  menu.open(left, bottom);
}
