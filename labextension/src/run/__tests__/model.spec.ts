import type { Client } from '../../api/client';
import { ApiError } from '../../api/errors';
import { RunsStore } from '../../api/store';
import type { RunDetail } from '../../api/types';
import { RunModel } from '../model';
import { anExecution, aRun } from './fixtures';

/** A client that answers as it is told; every request can be looked at. */
class ToldClient {
  asked: string[] = [];
  constructor(public answer: () => RunDetail) {}

  async get(path: string): Promise<RunDetail> {
    this.asked.push(path);
    return this.answer();
  }
}

function detail(change: Partial<RunDetail> = {}): RunDetail {
  return {
    run: aRun(),
    pipeline: null,
    executions: [anExecution()],
    diagnostics: [],
    cursor: 5,
    ...change
  };
}

function made(answer: () => RunDetail) {
  const client = new ToldClient(answer);
  const store = new RunsStore(() => Promise.reject(new Error('not asked')));
  const model = new RunModel('r1', client as unknown as Client, store);
  return { client, store, model };
}

describe('an open run', () => {
  it('is loaded, then follows changes', async () => {
    const { store, model } = made(() => detail());
    await model.load();
    expect(model.now.run?.state).toBe('RUNNING');
    const load = model.now.steps.get('load');
    expect(load?.latest?.state).toBe('SUCCEEDED');
    const told = jest.fn();
    const stop = model.subscribe(told);
    store.receive({
      after: 5,
      cursor: 7,
      runs: [aRun({ state: 'SUCCEEDED' })],
      executions: [anExecution({ id: 'e2', step: 'train' })],
      deleted: [],
      reset: false
    });
    expect(model.now.run?.state).toBe('SUCCEEDED');
    expect([...model.now.steps.keys()]).toEqual(['load', 'train']);
    expect(model.now.steps.get('load')).toBe(load);
    expect(told).toHaveBeenCalled();
    stop();
  });

  it('leaves changes of other runs alone', async () => {
    const { store, model } = made(() => detail());
    await model.load();
    const before = model.now;
    store.receiveRun(aRun({ id: 'other' }));
    expect(model.now).toBe(before);
  });

  it('says why it cannot be shown, and is shown when it can', async () => {
    let good = false;
    const refusal = new ApiError(404, {
      type: 'RunError',
      code: 'KF301',
      message: 'no such run',
      fix: ''
    });
    const { model } = made(() => {
      if (!good) {
        throw refusal;
      }
      return detail();
    });
    await model.load();
    expect(model.now.error).toBe(refusal);
    expect(model.now.deleted).toBe(false);
    good = true;
    await model.load();
    expect(model.now.error).toBeNull();
    expect(model.now.run?.id).toBe('r1');
  });

  it('is loaded anew when it was resumed or too much happened', async () => {
    const { client, store, model } = made(() => detail());
    await model.load();
    store.receiveRun(aRun({ resumes: 1 }));
    expect(client.asked).toHaveLength(2);
    store.receive({
      after: 0,
      cursor: 90,
      runs: [],
      executions: [],
      deleted: [],
      reset: true
    });
    expect(client.asked).toHaveLength(3);
  });

  it('knows that it was deleted, and is silent when disposed', async () => {
    const { store, model } = made(() => detail());
    await model.load();
    store.receiveDeleted(['r1']);
    expect(model.now.deleted).toBe(true);
    const last = model.now;
    model.dispose();
    store.receiveRun(aRun({ name: 'x' }));
    expect(model.now).toBe(last);
    expect(store.executions('r1')).toEqual([]);
  });
});
