import type { Pipeline } from '../../api/types';
import {
  foldSteps,
  secondsOf,
  stateOf,
  stepNames,
  stepOfInterest
} from '../steps';
import {
  shifted,
  sinceLabel,
  timeline,
  timeTicks,
  zoomed
} from '../timeline/model';
import { anExecution, aRun } from './fixtures';

const pipeline: Pipeline = {
  name: 'a',
  parameters: [],
  steps: ['load', 'train'].map(name => ({
    name,
    cells: [],
    inputs: [],
    outputs: [],
    after: [],
    options: {}
  })),
  edges: []
};

describe('steps', () => {
  it('come in the order of the notebook, also before they began', () => {
    expect(stepNames(pipeline, [anExecution({ step: 'train' })])).toEqual([
      'load',
      'train'
    ]);
    expect(stepNames(null, [anExecution({ step: 'cell' })])).toEqual(['cell']);
    const steps = foldSteps(['load', 'train'], [anExecution()]);
    expect([...steps.values()].map(stateOf)).toEqual(['SUCCEEDED', 'NONE']);
  });

  it('stay the same object while nothing changes', () => {
    const load = anExecution();
    const one = foldSteps(['load', 'train'], [load]);
    const train = anExecution({ id: 'e2', step: 'train', state: 'RUNNING' });
    const two = foldSteps(['load', 'train'], [load, train], one);
    expect(two.get('load')).toBe(one.get('load'));
    expect(two.get('train')).not.toBe(one.get('train'));
    const again = foldSteps(['load', 'train'], [{ ...load }, train], two);
    expect(again.get('load')).not.toBe(two.get('load'));
  });

  it('show their last attempt that counts', () => {
    const attempts = [
      anExecution({ id: 'c', attempt: 3, superseded: true }),
      anExecution({ id: 'a', attempt: 1, state: 'FAILED' }),
      anExecution({ id: 'b', attempt: 2 })
    ];
    const step = foldSteps(['load'], attempts).get('load');
    expect(step?.latest?.id).toBe('b');
    expect(step?.attempts.map(one => one.id)).toEqual(['a', 'b', 'c']);
  });

  it('of interest are those that failed', () => {
    const failed = anExecution({ id: 'x', step: 'train', state: 'FAILED' });
    const steps = foldSteps(['load', 'train'], [anExecution(), failed]);
    expect(stepOfInterest(aRun(), steps)).toBe('train');
    expect(stepOfInterest(aRun(), foldSteps(['a', 'b'], []))).toBeNull();
    expect(stepOfInterest(aRun(), foldSteps(['a'], []))).toBe('a');
  });

  it('take their time', () => {
    const now = Date.parse('2026-01-01T00:00:11Z');
    expect(secondsOf(anExecution(), now)).toBe(2);
    const running = anExecution({
      state: 'RUNNING',
      finished: null,
      seconds: null
    });
    expect(secondsOf(running, now)).toBe(10);
    expect(secondsOf(null, now)).toBeNull();
  });
});

describe('the timeline', () => {
  const now = Date.parse('2026-01-01T00:00:10Z');

  it('begins with what began first and ends now', () => {
    const steps = foldSteps(
      ['never', 'late', 'load'],
      [
        anExecution(),
        anExecution({
          id: 'e2',
          step: 'late',
          state: 'RUNNING',
          started: '2026-01-01T00:00:04Z',
          finished: null
        })
      ]
    );
    const { rows, start, end } = timeline(aRun(), steps, now);
    expect(rows.map(row => row.step)).toEqual(['load', 'late', 'never']);
    expect([start, end]).toEqual([Date.parse('2026-01-01T00:00:01Z'), now]);
    expect(rows[1].bars[0].end).toBe(now);
    expect(rows[2].bars).toEqual([]);
  });

  it('of a run that never began is empty, not broken', () => {
    const run = aRun({ created: null, started: null, state: 'CANCELED' });
    const { start, end } = timeline(run, foldSteps(['a'], []), now);
    expect(end - start).toBe(1);
  });

  it('zooms about a moment and stays inside', () => {
    expect(zoomed([0, 100], 50, 0.5, [0, 100])).toEqual([25, 75]);
    expect(zoomed([25, 75], 25, 4, [0, 100])).toEqual([0, 100]);
    expect(zoomed([0, 100], 0, 0.5, [0, 100])).toEqual([0, 50]);
    const [from, to] = zoomed([10, 11], 10.5, 0.1, [0, 100]);
    expect(to - from).toBe(5);
    expect(shifted([10, 20], -50, [0, 100])).toEqual([0, 10]);
    expect(shifted([10, 20], 500, [0, 100])).toEqual([90, 100]);
  });

  it('has round ticks from the beginning of the run', () => {
    expect(timeTicks([1000, 11_000], 1000, 5)).toEqual([
      1000, 3000, 5000, 7000, 9000, 11_000
    ]);
    expect(timeTicks([0, 40], 0, 4)).toEqual([0, 10, 20, 30, 40]);
    expect(sinceLabel(20, 10)).toBe('0.02 s');
    expect(sinceLabel(65_000, 5000)).toBe('65 s');
    expect(sinceLabel(605_000, 5000)).toBe('10:05');
    expect(sinceLabel(3_725_000, 60_000)).toBe('1:02:05');
  });
});
