/** The plugins of the extension. */

import { cellsPlugin } from './cells';
import { runView } from './run/plugin';
import { runs } from './runs/plugin';
import { workbench } from './workbench';

export default [workbench, runs, runView, cellsPlugin];
