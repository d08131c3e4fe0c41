import { plots, type Curve } from '../curves';

function curve(name: string, step: string, ...values: number[]): Curve {
  return {
    name,
    step,
    count: values.length,
    points: values.map((value, i) => ({
      value,
      at: i,
      time: `2026-01-01T00:00:0${i}Z`
    }))
  };
}

const how = { axis: 'step', smoothing: 0 } as const;

it('a chart a metric, a colour a step', () => {
  const run = {
    run: 'r',
    label: 'one',
    curves: [
      curve('loss', 'train', 2, 1),
      curve('loss', 'tune', 3, 2),
      curve('acc', 'train', 0.1, 0.2)
    ]
  };
  const { plots: out, singles } = plots([run], how);
  expect(out.map(plot => plot.name)).toEqual(['acc', 'loss']);
  expect(out[1].series.map(one => [one.label, one.colour])).toEqual([
    ['train', 0],
    ['tune', 1]
  ]);
  expect(out[0].series[0].colour).toBe(0);
  expect(out[0].raw).toBeUndefined();
  expect(singles).toEqual([]);
});

it('what was logged once is a number', () => {
  const curves = [curve('acc', 'test', 0.9), curve('loss', 'train', 2, 1)];
  const { plots: out, singles } = plots([{ run: 'r', label: '', curves }], how);
  expect(out.map(plot => plot.name)).toEqual(['loss']);
  expect(singles).toEqual([
    { name: 'acc', step: 'test', label: 'test', value: 0.9 }
  ]);
});

it('of several runs a colour a run', () => {
  const runs = ['a', 'b'].map(label => ({
    run: label,
    label,
    curves: [curve('loss', 'train', 2, 1)]
  }));
  const { plots: out } = plots(runs, { axis: 'elapsed', smoothing: 0.5 });
  expect(out[0].series.map(one => [one.label, one.colour])).toEqual([
    ['a', 0],
    ['b', 1]
  ]);
  expect(out[0].raw?.[0].points.map(point => point.y)).toEqual([2, 1]);
  expect(out[0].series[0].points[1].y).toBeGreaterThan(1);
});
