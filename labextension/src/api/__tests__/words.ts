/** Runs, executions, pages and changes for specs. */

import type { Changes, Execution, Run, RunPage } from '../types';

export function makeRun(given: Partial<Run> = {}): Run {
  return {
    id: 'a',
    name: 'train',
    kind: 'pipeline',
    experiment: 'Default',
    state: 'SUCCEEDED',
    notebook: '/home/u/train.ipynb',
    path: 'train.ipynb',
    pipeline: 'train',
    engine: 'local',
    parameters: {},
    tags: {},
    note: '',
    created: '2026-01-01T00:00:00.000Z',
    started: null,
    finished: null,
    error: null,
    metrics: {},
    progress: { done: 0, total: 3, failed: 0, running: 0, cached: 0 },
    resumes: 0,
    ...given
  };
}

export function makeExecution(given: Partial<Execution> = {}): Execution {
  return {
    id: 'a-1',
    run: 'a',
    step: 'load',
    attempt: 1,
    state: 'RUNNING',
    cached: false,
    reason: '',
    started: null,
    finished: null,
    seconds: null,
    metrics: {},
    error: null,
    ...given
  };
}

export function makePage(
  runs: Run[],
  cursor: number,
  total = runs.length
): RunPage {
  return { runs, total, offset: 0, limit: 50, cursor };
}

export function makeChanges(
  after: number,
  cursor: number,
  given: Partial<Changes>
): Changes {
  return {
    after,
    cursor,
    runs: [],
    executions: [],
    deleted: [],
    reset: false,
    ...given
  };
}
