/** What a row says about its run. Pure. */

import type { Run } from '../api/types';
import { isGoing, stateWord, value, type ITranslate } from '../words';

/** Which of a run's own commands make sense now. */
export function abilities(run: Run): {
  cancel: boolean;
  resume: boolean;
  edited: boolean;
  remove: boolean;
} {
  const over = !isGoing(run.state) && run.state !== 'PAUSED';
  const early =
    run.state === 'FAILED' ||
    run.state === 'CANCELED' ||
    run.state === 'INTERRUPTED';
  const ofNotebook = run.kind === 'pipeline' || run.kind === 'notebook';
  return {
    cancel: !over && run.state !== 'CANCELING',
    resume: early && ofNotebook,
    edited: early && run.kind === 'pipeline',
    remove: over
  };
}

/** The step that failed, if one did. */
export function failedStep(run: Run): string {
  return run.progress.failed_step ?? '';
}

/** Where a run is, in a few words; nothing where its sign says it all. */
export function situation(run: Run, trans: ITranslate): string {
  const { done, total, cached } = run.progress;
  const failed = failedStep(run);
  if (run.state === 'FAILED' && failed) {
    return trans.__('failed in %1', failed);
  }
  if (run.state === 'SUCCEEDED') {
    // its sign says the rest
    return cached > 0 && cached === total ? trans.__('cached') : '';
  }
  if (total > 0 && run.state !== 'FAILED') {
    return trans.__(
      '%1, %2 of %3 steps',
      stateWord(run.state, trans),
      done,
      total
    );
  }
  return stateWord(run.state, trans);
}

/** What a run is besides the run of a notebook's pipeline. */
export function kindWord(run: Run, trans: ITranslate): string {
  switch (run.kind) {
    case 'pipeline':
      return '';
    case 'notebook':
      return trans.__('whole notebook');
    case 'cell':
      return trans.__('single cell');
    case 'session':
      return trans.__('session');
    case 'job':
      return trans.__('job');
  }
}

/** The name of a run's notebook, without folders; nothing where the run is called like it. */
export function notebookWord(run: Run): string {
  const file = run.notebook.split(/[\\/]/).pop() ?? '';
  return file.replace(/\.ipynb$/, '') === run.name ? '' : file;
}

/** A run's first metric, so that runs of one name can be told apart. */
export function metricWord(run: Run): string {
  const first = Object.entries(run.metrics)[0];
  return first ? `${first[0]} ${value(first[1])}` : '';
}
