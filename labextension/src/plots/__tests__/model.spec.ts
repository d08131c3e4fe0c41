import {
  alone,
  nearest,
  numeric,
  padded,
  path,
  placed,
  rangeOf,
  scale,
  smoothed,
  tickLabel,
  ticks
} from '../model';

const series = (points: { x: number; y: number }[]) => ({
  key: 'a',
  label: 'a',
  colour: 0,
  points
});

describe('points', () => {
  it('stand at their step, else in order, and never run backwards', () => {
    const logged = [
      { value: 3, at: 10 },
      { value: 'NaN', at: 5 },
      { value: 1, at: 7 }
    ];
    expect(placed(logged, 'step').map(p => p.x)).toEqual([5, 7, 10]);
    expect(placed([{ value: 1 }, { value: 2 }], 'step').map(p => p.x)).toEqual([
      0, 1
    ]);
  });

  it('stand at the seconds since the first', () => {
    const logged = [
      { value: 1, time: '2026-01-01T00:00:10Z' },
      { value: 2, time: '2026-01-01T00:00:12.500Z' }
    ];
    expect(placed(logged, 'elapsed').map(p => p.x)).toEqual([0, 2.5]);
    expect(placed(logged, 'time')[0].x).toBe(
      Date.parse('2026-01-01T00:00:10Z')
    );
  });

  it('are numbers or gaps', () => {
    expect(numeric('NaN')).toBeNaN();
    expect(numeric('Infinity')).toBeNaN();
    expect(numeric('2.5')).toBe(2.5);
  });
});

describe('smoothing', () => {
  it('leaves a constant constant and a gap a gap', () => {
    const points = [1, 1, NaN, 1].map((y, x) => ({ x, y }));
    expect(smoothed(points, 0.9).map(p => p.y)).toEqual([
      expect.closeTo(1),
      expect.closeTo(1),
      NaN,
      expect.closeTo(1)
    ]);
  });

  it('is off at zero', () => {
    const points = [{ x: 0, y: 1 }];
    expect(smoothed(points, 0)).toBe(points);
  });

  it('damps a jump', () => {
    const [, second] = smoothed(
      [
        { x: 0, y: 0 },
        { x: 1, y: 1 }
      ],
      0.5
    );
    expect(second.y).toBeCloseTo(2 / 3);
  });
});

describe('axes', () => {
  it('show what can be drawn', () => {
    const one = series([
      { x: 0, y: -1 },
      { x: 1, y: 10 },
      { x: 2, y: 1000 },
      { x: 3, y: NaN }
    ]);
    expect(rangeOf([one], 'y')).toEqual([-1, 1000]);
    expect(rangeOf([one], 'y', true)).toEqual([10, 1000]);
    expect(rangeOf([one], 'x')).toEqual([0, 2]);
    expect(rangeOf([series([{ x: 0, y: NaN }])], 'y')).toBeNull();
    expect(rangeOf([series([{ x: 0, y: 0 }])], 'y')).toEqual([-0.5, 0.5]);
    expect(rangeOf([series([{ x: 3, y: 4 }])], 'y', true)).toEqual([2, 6]);
  });

  it('have round ticks', () => {
    expect(ticks([0, 1], 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks([-3, 27], 4)).toEqual([0, 10, 20]);
    expect(ticks([0.5, 2000], 5, true)).toEqual([1, 10, 100, 1000]);
    expect(ticks([2, 6], 4, true)).toEqual([2, 3, 4, 5, 6]);
    expect(ticks([1e-12, 1e12], 4, true).length).toBeLessThanOrEqual(4);
    expect(ticks([0.1, 0.4], 3)).toEqual([0.1, 0.2, 0.3, 0.4]);
  });

  it('have short labels', () => {
    expect(tickLabel(0)).toBe('0');
    expect(tickLabel(0.30000000000000004)).toBe('0.3');
    expect(tickLabel(2e6)).toBe('2e6');
    expect(tickLabel(1e-5)).toBe('1e-5');
  });

  it('scale both ways', () => {
    expect(scale([0, 10], [100, 0])(2.5)).toBe(75);
    expect(scale([1, 100], [0, 100], true)(10)).toBeCloseTo(50);
    const [low, high] = padded([0, 10]);
    expect(low).toBeLessThan(0);
    expect(high).toBeGreaterThan(10);
    expect(padded([1, 100], true)[0]).toBeGreaterThan(0);
  });
});

describe('lines', () => {
  const same = (number: number) => number;

  it('break at gaps', () => {
    const points = [1, 2, NaN, 4].map((y, x) => ({ x, y }));
    expect(path(points, same, same)).toBe('M0.0 1.0L1.0 2.0M3.0 4.0');
    expect(alone(points)).toEqual([{ x: 3, y: 4 }]);
  });

  it('leave out what a log scale cannot show', () => {
    const points = [1, 0, 4].map((y, x) => ({ x, y }));
    expect(path(points, same, same, true)).toBe('M0.0 1.0M2.0 4.0');
  });

  it('find the nearest point', () => {
    const points = [0, 10, 20].map(x => ({ x, y: 0 }));
    expect(nearest(points, 14)?.x).toBe(10);
    expect(nearest(points, 16)?.x).toBe(20);
    expect(nearest(points, -5)?.x).toBe(0);
    expect(nearest(points, 99)?.x).toBe(20);
    expect(nearest([], 1)).toBeNull();
  });
});
