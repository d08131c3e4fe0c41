import { RunsStore } from '../../api/store';
import type { Changes, Execution, Run, RunDetail } from '../../api/types';
import { LastRun } from '../lastrun';

function runOf(id: string, more: Partial<Run> = {}): Run {
  return {
    id,
    name: id,
    kind: 'pipeline',
    experiment: 'e',
    state: 'RUNNING',
    notebook: '/r/a.ipynb',
    path: 'a.ipynb',
    pipeline: 'a',
    engine: 'local',
    parameters: {},
    tags: {},
    note: '',
    created: `2026-01-01T00:00:0${id}Z`,
    started: null,
    finished: null,
    error: null,
    metrics: {},
    progress: { done: 0, total: 1, failed: 0, running: 0, cached: 0 },
    resumes: 0,
    ...more
  };
}

function executionOf(run: string, attempt: number, state: Execution['state']) {
  return {
    id: `${run}-${attempt}`,
    run,
    step: 'train',
    attempt,
    state,
    cached: false,
    reason: '',
    started: null,
    finished: null,
    seconds: null,
    metrics: {},
    error: null
  } as Execution;
}

/** A server that knows some runs, the newest last. */
class KnownRuns {
  constructor(readonly runs: Run[]) {}
  readonly executions = new Map<string, Execution[]>();

  readonly newest = (path: string) => {
    const runs = this.runs.filter(run => run.path === path).slice(-1);
    return Promise.resolve({
      runs,
      total: runs.length,
      offset: 0,
      limit: 1,
      cursor: 5
    });
  };

  readonly detail = (id: string): Promise<RunDetail> => {
    const run = this.runs.find(each => each.id === id);
    return run
      ? Promise.resolve({
          run,
          pipeline: null,
          executions: this.executions.get(id) ?? [],
          diagnostics: [],
          cursor: 5
        })
      : Promise.reject(new Error('no such run'));
  };
}

const settle = () => new Promise(resolve => setTimeout(resolve, 0));

function changesOf(more: Partial<Changes>, after = 5): Changes {
  return {
    after,
    cursor: after + 1,
    runs: [],
    executions: [],
    deleted: [],
    reset: false,
    ...more
  };
}

describe('LastRun', () => {
  function made(server: KnownRuns) {
    const store = new RunsStore(() => Promise.resolve(changesOf({})));
    return { store, last: new LastRun(store, server) };
  }

  it('knows the newest run of its notebook and its steps', async () => {
    const server = new KnownRuns([runOf('1'), runOf('2')]);
    server.executions.set('2', [
      executionOf('2', 2, 'RUNNING'),
      executionOf('2', 1, 'FAILED')
    ]);
    const { last } = made(server);
    await last.follow('a.ipynb');
    await settle();
    expect(last.run?.id).toBe('2');
    expect(last.steps.get('train')?.attempt).toBe(2);
    expect(last.steps.get('other')).toBeUndefined();
  });

  it('follows what happens to it, and a newer run of the notebook', async () => {
    const { store, last } = made(new KnownRuns([runOf('1')]));
    await last.follow('a.ipynb');
    await settle();
    let told = 0;
    last.changed.connect(() => told++);
    store.receive(
      changesOf({ executions: [executionOf('1', 1, 'SUCCEEDED')] })
    );
    expect(last.steps.get('train')?.state).toBe('SUCCEEDED');
    expect(told).toBe(1);
    store.receive(changesOf({ runs: [runOf('3')] }, 6));
    expect(last.run?.id).toBe('3');
    expect(last.steps.get('train')).toBeUndefined();
  });

  it.each([
    ['of another notebook', { path: 'b.ipynb' }],
    ['of one cell', { kind: 'cell' as const }],
    ['that is older', { created: '2025-01-01T00:00:00Z' }]
  ])('leaves a run %s alone', async (_, more) => {
    const { store, last } = made(new KnownRuns([runOf('1')]));
    await last.follow('a.ipynb');
    store.receive(changesOf({ runs: [runOf('3', more)] }));
    expect(last.run?.id).toBe('1');
  });

  it('goes back to the run before when its run is deleted', async () => {
    const server = new KnownRuns([runOf('1'), runOf('2')]);
    const { store, last } = made(server);
    await last.follow('a.ipynb');
    server.runs.pop();
    store.receive(changesOf({ deleted: ['2'] }));
    await settle();
    expect(last.run?.id).toBe('1');
  });

  it('has no run where the notebook has none', async () => {
    const { last } = made(new KnownRuns([runOf('1')]));
    await last.follow('a.ipynb');
    await last.follow('b.ipynb');
    expect(last.run).toBeUndefined();
    await last.follow(null);
    expect(last.steps.get('train')).toBeUndefined();
  });

  it('stays as it is when the server is away', async () => {
    const server = new KnownRuns([runOf('1')]);
    const { last } = made(server);
    await last.follow('a.ipynb');
    await settle();
    jest.spyOn(server, 'newest').mockRejectedValue(new Error('away'));
    await last.refresh();
    expect(last.run?.id).toBe('1');
  });
});
