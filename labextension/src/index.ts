import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';

/** What all views share. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-kf:plugin',
  description: 'What all views of the workbench share.',
  autoStart: true,
  activate: (app: JupyterFrontEnd) => {
    void app;
  }
};

export default [plugin];
