/** Runs and executions for specs. */

import type { Execution, Run } from '../../api/types';

export function aRun(change: Partial<Run> = {}): Run {
  return {
    id: 'r1',
    name: 'classify',
    kind: 'pipeline',
    experiment: 'default',
    state: 'RUNNING',
    notebook: '/home/me/a.ipynb',
    path: 'a.ipynb',
    pipeline: 'a',
    engine: 'local',
    parameters: {},
    tags: {},
    note: '',
    created: '2026-01-01T00:00:00Z',
    started: '2026-01-01T00:00:01Z',
    finished: null,
    error: null,
    metrics: {},
    progress: { done: 0, total: 2, failed: 0, running: 1, cached: 0 },
    resumes: 0,
    ...change
  };
}

export function anExecution(change: Partial<Execution> = {}): Execution {
  return {
    id: 'e1',
    run: 'r1',
    step: 'load',
    attempt: 1,
    state: 'SUCCEEDED',
    cached: false,
    reason: '',
    started: '2026-01-01T00:00:01Z',
    finished: '2026-01-01T00:00:03Z',
    seconds: 2,
    metrics: {},
    error: null,
    ...change
  };
}
