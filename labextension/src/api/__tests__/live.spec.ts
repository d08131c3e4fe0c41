import type { Event } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';

import { CHANGES, Live } from '../live';
import { RunsStore } from '../store';
import type { Changes } from '../types';
import { makeChanges, makePage, makeRun } from './words';

function setUp(): {
  live: Live;
  store: RunsStore;
  emit: (changes: Changes, schema?: string) => void;
  server: { cursor: number; away: boolean; asked: number };
} {
  const server = { cursor: 1, away: false, asked: 0 };
  const store = new RunsStore(async after => {
    server.asked += 1;
    if (server.away) {
      throw new Error('away');
    }
    return makeChanges(after, server.cursor, {
      runs: [makeRun({ id: 'a', name: `at ${server.cursor}` })]
    });
  });
  store.receivePage(makePage([], 1));
  const events = new Signal<object, Event.Emission>({});
  const emit = (changes: Changes, schema_id = CHANGES) =>
    events.emit({ ...changes, schema_id } as unknown as Event.Emission);
  return { live: new Live(store, events), store, emit, server };
}

function becomeVisible(): void {
  document.dispatchEvent(new window.Event('visibilitychange'));
}

describe('Live', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('hands on changes, and nothing that others emit', () => {
    const { live, store, emit } = setUp();
    live.start();
    const runs = [makeRun({ id: 'b' })];
    emit(makeChanges(1, 2, { runs }), 'https://events.jupyter.org/other');
    expect(store.run('b')).toBeUndefined();
    emit(makeChanges(1, 2, { runs }));
    expect(store.run('b')).toBeDefined();
    expect(store.cursor).toBe(2);
    live.dispose();
  });

  it('finds what was emitted while nobody listened', async () => {
    const { live, store, server } = setUp();
    live.start();
    await jest.advanceTimersByTimeAsync(10_000);
    server.cursor = 9;
    becomeVisible();
    await jest.advanceTimersByTimeAsync(100);
    expect(store.run('a')?.name).toBe('at 9');
    live.dispose();
  });

  it('asks by itself, too, should no event come', async () => {
    const { live, store, server } = setUp();
    live.start();
    server.cursor = 5;
    await jest.advanceTimersByTimeAsync(120_000);
    expect(store.cursor).toBe(5);
    expect(server.asked).toBeLessThan(10);
    live.dispose();
  });

  it('asks more often from the moment on in which a run begins', async () => {
    const { live, store, emit, server } = setUp();
    live.start();
    await jest.advanceTimersByTimeAsync(20_000);
    const before = server.asked;
    const runs = [makeRun({ id: 'b', state: 'RUNNING' })];
    server.cursor = 2;
    emit(makeChanges(1, 2, { runs }));
    await jest.advanceTimersByTimeAsync(20_000);
    expect(server.asked - before).toBeGreaterThan(4);
    expect(store.isActive).toBe(true);
    live.dispose();
  });

  it('says that the server is away, and that it is back', async () => {
    const { live, server } = setUp();
    const told: (string | undefined)[] = [];
    live.changed.connect(() => told.push(live.error?.message));
    server.away = true;
    live.start();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(told).toEqual(['away']);
    server.away = false;
    await jest.advanceTimersByTimeAsync(120_000);
    expect(told).toEqual(['away', undefined]);
    live.dispose();
  });

  it('is quiet after it was disposed of', async () => {
    const { live, store, emit, server } = setUp();
    live.start();
    live.dispose();
    const before = server.asked;
    emit(makeChanges(1, 2, { runs: [makeRun({ id: 'b' })] }));
    becomeVisible();
    await jest.advanceTimersByTimeAsync(120_000);
    expect(store.run('b')).toBeUndefined();
    expect(server.asked).toBe(before);
  });
});
