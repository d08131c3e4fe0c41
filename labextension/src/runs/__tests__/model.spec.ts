import { ApiError } from '../../api/errors';
import { RunsStore } from '../../api/store';
import type { Run, RunPage } from '../../api/types';
import { makeChanges, makeRun } from '../../api/__tests__/words';
import { RunList, type IPageRequest } from '../model';

/** A server with runs, newest first, that answers when it is told to. */
class HeldServer {
  readonly requests: IPageRequest[] = [];
  cursor = 0;
  error: ApiError | null = null;
  held: (() => void)[] | null = null;

  constructor(public runs: Run[]) {}

  readonly fetch = async (
    request: IPageRequest,
    signal: AbortSignal
  ): Promise<RunPage> => {
    this.requests.push(request);
    const { limit, offset } = request;
    const fitting = this.runs.filter(
      run =>
        (!request.notebook || run.path === request.notebook) &&
        (!request.state || request.state.split(',').includes(run.state)) &&
        (!request.search || run.name.includes(request.search))
    );
    const page = {
      runs: fitting.slice(offset, offset + limit),
      total: fitting.length,
      offset,
      limit,
      cursor: this.cursor
    };
    if (this.held) {
      const held = this.held;
      await new Promise<void>(resolve => held.push(resolve));
    }
    if (signal.aborted) {
      throw Object.assign(new Error('aborted'), { name: 'AbortError' });
    }
    if (this.error) {
      throw this.error;
    }
    return page;
  };
}

const day = (n: number) => `2026-01-${String(n).padStart(2, '0')}T00:00:00Z`;

function many(count: number): Run[] {
  return Array.from({ length: count }, (_, i) =>
    makeRun({
      id: `r${String(count - i).padStart(4, '0')}`,
      created: new Date(Date.UTC(2026, 0, 1, 0, count - i)).toISOString()
    })
  );
}

function setUp(runs: Run[]): {
  server: HeldServer;
  store: RunsStore;
  list: RunList;
} {
  const server = new HeldServer(runs);
  const store = new RunsStore(async after =>
    makeChanges(after, server.cursor, {})
  );
  return { server, store, list: new RunList(store, server.fetch) };
}

const ids = (list: RunList) => list.runs.map(run => run.id);

describe('RunList', () => {
  it('groups by experiment, the one with the newest run first', async () => {
    const { list } = setUp([
      makeRun({ id: 'c', experiment: 'B', created: day(3) }),
      makeRun({ id: 'b', experiment: 'A', created: day(2) }),
      makeRun({ id: 'a', experiment: 'B', created: day(1) })
    ]);
    await list.select({});
    expect(
      list.groups.map(group => [
        group.experiment,
        ...group.runs.map(run => run.id)
      ])
    ).toEqual([
      ['B', 'c', 'a'],
      ['A', 'b']
    ]);
  });

  it('loads page after page, also while new runs appear and old ones go', async () => {
    const { server, store, list } = setUp(many(120));
    await list.select({});
    expect(list.runs).toHaveLength(50);
    const fresh = makeRun({ id: 'fresh', created: day(20) });
    server.runs = [fresh, ...server.runs.filter(run => run.id !== 'r0119')];
    store.receive(makeChanges(0, 1, { runs: [fresh], deleted: ['r0119'] }));
    server.cursor = 1;
    expect(ids(list)[0]).toBe('fresh');
    expect(list.total).toBe(120);
    await list.loadMore();
    await list.loadMore();
    await list.loadMore();
    expect(ids(list)).toEqual(server.runs.map(run => run.id));
    expect(list.hasMore).toBe(false);
    await list.loadMore();
    expect(server.requests).toHaveLength(3);
  });

  it('shows the answer to the last question, however late the others are', async () => {
    const { server, list } = setUp([
      makeRun({ id: 'b', name: 'beta' }),
      makeRun({ id: 'a', name: 'alpha' })
    ]);
    server.held = [];
    const first = list.select({ search: 'alpha' });
    const second = list.select({ search: 'beta' });
    const held = server.held;
    held[1]();
    await second;
    held[0]();
    await first;
    expect(ids(list)).toEqual(['b']);
    expect(list.phase).toBe('ready');
  });

  it('lets runs in and out as their state changes', async () => {
    const run = makeRun({ id: 'a', state: 'RUNNING' });
    const { store, list } = setUp([run]);
    await list.select({ states: 'active' });
    expect(ids(list)).toEqual(['a']);
    const other = makeRun({ id: 'b', state: 'PENDING', created: day(2) });
    store.receive(makeChanges(0, 1, { runs: [other] }));
    expect(ids(list)).toEqual(['b', 'a']);
    store.receive(
      makeChanges(1, 2, { runs: [{ ...run, state: 'SUCCEEDED' }] })
    );
    expect(ids(list)).toEqual(['b']);
    expect(list.total).toBe(1);
  });

  it('takes in runs of its notebook only', async () => {
    const { store, list } = setUp([]);
    await list.select({ notebook: 'train.ipynb' });
    store.receive(
      makeChanges(0, 1, {
        runs: [
          makeRun({ id: 'a' }),
          makeRun({ id: 'b', path: 'other.ipynb' }),
          makeRun({ id: 'c', path: null })
        ]
      })
    );
    expect(ids(list)).toEqual(['a']);
  });

  it('has a run that began while the page without it was under way', async () => {
    const { server, store, list } = setUp([makeRun({ id: 'a' })]);
    await list.select({});
    server.held = [];
    const loading = list.refresh();
    const fresh = makeRun({ id: 'b', created: day(9) });
    store.receive(makeChanges(0, 1, { runs: [fresh] }));
    server.held.forEach(resolve => resolve());
    await loading;
    expect(ids(list)).toEqual(['b', 'a']);
  });

  it('asks the server who fits a search when runs change', async () => {
    jest.useFakeTimers();
    try {
      const { server, store, list } = setUp([makeRun({ id: 'a' })]);
      await list.select({ search: 'tra' });
      const fresh = makeRun({ id: 'b', created: day(9) });
      server.runs = [fresh, ...server.runs];
      store.receive(makeChanges(0, 1, { runs: [fresh] }));
      expect(ids(list)).toEqual(['a']);
      await jest.advanceTimersByTimeAsync(5_000);
      expect(ids(list)).toEqual(['b', 'a']);
      expect(server.requests).toHaveLength(2);
    } finally {
      jest.useRealTimers();
    }
  });

  it('keeps its rows when the server is away, and tells a wrong filter apart', async () => {
    const { server, list } = setUp([makeRun({ id: 'a' })]);
    await list.select({});
    const body = { type: 'UsageError', code: 'KF412', message: 'no', fix: '' };
    server.error = new ApiError(503, body);
    await list.refresh();
    expect([list.phase, list.filterIsWrong, ids(list)]).toEqual([
      'failed',
      false,
      ['a']
    ]);
    server.error = new ApiError(400, body);
    await list.select({ filter: 'metrics.acc >' });
    expect(list.filterIsWrong).toBe(true);
    server.error = null;
    await list.select({ filter: '' });
    expect([list.phase, list.error]).toEqual(['ready', null]);
  });

  it('loads anew after a reset', async () => {
    const { server, store, list } = setUp([makeRun({ id: 'a' })]);
    await list.select({});
    server.runs = [makeRun({ id: 'z' })];
    server.cursor = 900;
    store.receive(makeChanges(0, 900, { reset: true }));
    await new Promise(resolve => setTimeout(resolve));
    expect(ids(list)).toEqual(['z']);
  });
});
