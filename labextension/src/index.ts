/** The plugins of the extension. */

import { runs } from './runs/plugin';
import { workbench } from './workbench';

export default [workbench, runs];
