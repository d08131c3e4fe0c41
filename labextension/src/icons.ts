/** Icons of our own; all others are JupyterLab's. */

import { LabIcon } from '@jupyterlab/ui-components';

/** Cells that became steps: the workbench itself. */
export const workbenchIcon = new LabIcon({
  name: 'jupyter-kf:workbench',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <rect x="2" y="9" width="6.5" height="6" rx="1.6"/>
    <rect x="15.5" y="3" width="6.5" height="6" rx="1.6"/>
    <rect x="15.5" y="15" width="6.5" height="6" rx="1.6"/>
  </g>
  <g class="jp-icon3-stroke" fill="none" stroke="#616161" stroke-width="1.6">
    <path d="M8.5 12h3.5M15.5 6h-1.5a2 2 0 0 0-2 2v8a2 2 0 0 0 2 2h1.5"/>
  </g>
</svg>`
});

/** Run the notebook as a pipeline. */
export const runPipelineIcon = new LabIcon({
  name: 'jupyter-kf:run-pipeline',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <rect x="2" y="4" width="6" height="5" rx="1.4"/>
    <rect x="2" y="15" width="6" height="5" rx="1.4"/>
    <path d="M13 6.5v11l9-5.5z"/>
  </g>
  <g class="jp-icon3-stroke" fill="none" stroke="#616161" stroke-width="1.6">
    <path d="M5 9v6"/>
  </g>
</svg>`
});
