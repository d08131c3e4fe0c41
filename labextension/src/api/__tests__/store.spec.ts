import { RunsStore, type IStoreChange } from '../store';
import type { Changes, Execution } from '../types';
import { makeChanges, makeExecution, makePage, makeRun } from './words';

/** A server whose log is a list of runs as they became, and whose answers can be held back. */
class SlowLog {
  readonly asked: number[] = [];
  held: (() => void)[] = [];
  holding = false;
  failing = false;

  constructor(private readonly entries: string[][]) {}

  get cursor(): number {
    return this.entries.length;
  }

  add(run: string, state: string): void {
    this.entries.push([run, state]);
  }

  /** What an event for the last `count` entries says. */
  event(count = 1): Changes {
    return this.since(this.cursor - count);
  }

  readonly fetch = async (after: number): Promise<Changes> => {
    this.asked.push(after);
    const answer = this.since(after);
    if (this.holding) {
      await new Promise<void>(resolve => this.held.push(resolve));
    }
    if (this.failing) {
      throw new Error('gone');
    }
    return answer;
  };

  release(): void {
    this.holding = false;
    this.held.forEach(resolve => resolve());
    this.held = [];
  }

  private since(after: number): Changes {
    const latest = new Map(
      this.entries.slice(after).map(([run, state]) => [run, state])
    );
    return makeChanges(after, this.cursor, {
      runs: Array.from(latest, ([id, state]) =>
        makeRun({ id, state: state as 'RUNNING' })
      )
    });
  }
}

/** Let everything that is under way come to its end. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    await Promise.resolve();
  }
}

function states(store: RunsStore): Record<string, string> {
  return Object.fromEntries(Array.from(store.runs(), r => [r.id, r.state]));
}

describe('RunsStore', () => {
  it('follows changes that follow on without asking', async () => {
    const log = new SlowLog([['a', 'PENDING']]);
    const store = new RunsStore(log.fetch);
    store.receivePage(makePage([makeRun({ id: 'a', state: 'PENDING' })], 1));
    log.add('a', 'RUNNING');
    store.receive(log.event());
    log.add('b', 'PENDING');
    store.receive(log.event());
    expect(states(store)).toEqual({ a: 'RUNNING', b: 'PENDING' });
    expect(store.cursor).toBe(3);
    expect(log.asked).toEqual([]);
  });

  it('fills a gap, and shows what came after it at once', async () => {
    const log = new SlowLog([['a', 'PENDING']]);
    const store = new RunsStore(log.fetch);
    store.receivePage(makePage([makeRun({ id: 'a', state: 'PENDING' })], 1));
    log.add('a', 'SUCCEEDED'); // its event is lost
    log.add('b', 'RUNNING');
    log.holding = true;
    store.receive(log.event());
    expect(states(store)).toEqual({ a: 'PENDING', b: 'RUNNING' });
    expect(store.cursor).toBe(1);
    log.release();
    await settle();
    expect(log.asked).toEqual([1]);
    expect(states(store)).toEqual({ a: 'SUCCEEDED', b: 'RUNNING' });
    expect(store.cursor).toBe(3);
  });

  it('ignores what comes twice or too late', async () => {
    const log = new SlowLog([['a', 'PENDING']]);
    const store = new RunsStore(log.fetch);
    store.receivePage(makePage([makeRun({ id: 'a', state: 'PENDING' })], 1));
    log.add('a', 'RUNNING');
    const late = log.event();
    log.add('a', 'SUCCEEDED');
    const last = log.event();
    store.receive(last);
    await settle();
    const told: IStoreChange[] = [];
    store.changed.connect((_, change) => told.push(change));
    store.receive(late);
    store.receive(last);
    await settle();
    expect(states(store)).toEqual({ a: 'SUCCEEDED' });
    expect(store.cursor).toBe(3);
    expect(told).toEqual([]);
  });

  it('does not let an old page overwrite newer changes', () => {
    const log = new SlowLog([['a', 'PENDING']]);
    const store = new RunsStore(log.fetch);
    store.receivePage(makePage([], 1));
    log.add('a', 'SUCCEEDED');
    store.receive(log.event());
    store.receivePage(makePage([makeRun({ id: 'a', state: 'PENDING' })], 1));
    expect(states(store)).toEqual({ a: 'SUCCEEDED' });
  });

  it('shares one question among all that ask while it is under way', async () => {
    const log = new SlowLog([]);
    const store = new RunsStore(log.fetch);
    store.receivePage(makePage([], 0));
    log.holding = true;
    const both = Promise.all([store.catchUp(), store.catchUp()]);
    log.release();
    await both;
    expect(log.asked).toEqual([0]);
  });

  it('asks again for what happened while it was asking', async () => {
    const log = new SlowLog([['a', 'PENDING']]);
    const store = new RunsStore(log.fetch);
    store.receivePage(makePage([makeRun({ id: 'a' })], 1));
    log.holding = true;
    const done = store.catchUp();
    log.add('b', 'RUNNING'); // lost
    log.add('c', 'RUNNING');
    store.receive(log.event());
    log.release();
    await done;
    expect(log.asked).toEqual([1, 1]);
    expect(store.cursor).toBe(3);
    expect(store.run('b')?.state).toBe('RUNNING');
  });

  it('tries again after the server was away', async () => {
    const log = new SlowLog([['a', 'PENDING']]);
    const store = new RunsStore(log.fetch);
    store.receivePage(makePage([makeRun({ id: 'a' })], 1));
    log.add('a', 'FAILED'); // lost
    log.add('b', 'RUNNING');
    log.failing = true;
    store.receive(log.event());
    await settle();
    await expect(store.catchUp()).rejects.toThrow('gone');
    log.failing = false;
    await store.catchUp();
    expect(states(store)).toEqual({ a: 'FAILED', b: 'RUNNING' });
    expect(store.cursor).toBe(3);
  });

  it('does not ask for ever for what the server does not have', async () => {
    const log = new SlowLog([['a', 'PENDING']]);
    const store = new RunsStore(log.fetch);
    store.receivePage(makePage([], 1));
    store.receive(makeChanges(50, 60, {}));
    await settle();
    expect(log.asked.length).toBeLessThan(3);
    expect(store.cursor).toBe(1);
  });

  it('tells to load anew where too much happened', () => {
    const store = new RunsStore(new SlowLog([]).fetch);
    store.receivePage(makePage([], 5));
    const told: boolean[] = [];
    store.changed.connect((_, change) => told.push(change.reset));
    store.receive(makeChanges(5, 9_000, { reset: true }));
    expect(told).toEqual([true]);
    expect(store.cursor).toBe(9_000);
  });

  it('forgets another past when the cursor went back', async () => {
    const log = new SlowLog([['z', 'RUNNING']]);
    const store = new RunsStore(log.fetch);
    store.receivePage(makePage([makeRun({ id: 'a' })], 500));
    await store.catchUp();
    expect(store.cursor).toBe(1);
    expect(store.run('a')).toBeUndefined();
  });

  it('keeps a deleted run away, whatever comes late', async () => {
    const store = new RunsStore(new SlowLog([]).fetch);
    const run = makeRun({ id: 'a' });
    store.receivePage(makePage([run], 1));
    store.receive(makeChanges(1, 2, { deleted: ['a'] }));
    store.receivePage(makePage([run], 1));
    expect(store.run('a')).toBeUndefined();
    expect(store.isDeleted('a')).toBe(true);
  });

  it('keeps executions of runs that are watched only', () => {
    const store = new RunsStore(new SlowLog([]).fetch);
    store.receivePage(makePage([], 0));
    const at = (state: Execution['state']) => [
      makeExecution({ id: 'a-1', run: 'a', state }),
      makeExecution({ id: 'b-1', run: 'b', state })
    ];
    const leave = store.watch('a');
    store.receive(makeChanges(0, 1, { executions: at('RUNNING') }));
    // the answer to a question from before comes late
    store.receiveDetail({
      run: makeRun({ id: 'a' }),
      pipeline: null,
      executions: at('PENDING').slice(0, 1),
      diagnostics: [],
      cursor: 0
    });
    expect(store.executions('a').map(one => one.state)).toEqual(['RUNNING']);
    expect(store.executions('b')).toEqual([]);
    const again = store.watch('a');
    leave();
    leave();
    expect(store.executions('a')).toHaveLength(1);
    again();
    expect(store.executions('a')).toEqual([]);
  });

  it('takes an action’s answer as new, until something newer comes', () => {
    const store = new RunsStore(new SlowLog([]).fetch);
    store.receivePage(makePage([makeRun({ id: 'a', state: 'RUNNING' })], 1));
    store.receiveRun(makeRun({ id: 'a', state: 'CANCELING' }));
    expect(store.run('a')?.state).toBe('CANCELING');
    expect(store.isActive).toBe(true);
    const runs = [makeRun({ id: 'a', state: 'CANCELED' })];
    store.receive(makeChanges(1, 2, { runs }));
    expect(store.run('a')?.state).toBe('CANCELED');
    expect(store.isActive).toBe(false);
  });
});
