import {
  layers,
  neighbour,
  proper,
  quickLayout,
  type IBox,
  type ILine
} from '../graph/layout';

const boxes = (count: number): IBox[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `s${i}`,
    width: 180,
    height: 44
  }));
const line = (source: number, target: number): ILine => ({
  source: `s${source}`,
  target: `s${target}`
});

it('lines count once and only between boxes', () => {
  const lines = [line(0, 1), line(0, 1), line(1, 1), line(0, 9)];
  expect(proper(boxes(2), lines)).toEqual([line(0, 1)]);
});

it('a box stands after all it depends on', () => {
  const lines = [line(0, 1), line(1, 2), line(0, 2), line(3, 2)];
  const at = layers(boxes(4), lines);
  expect([...at.entries()]).toEqual(
    expect.arrayContaining([
      ['s0', 0],
      ['s1', 1],
      ['s2', 2],
      ['s3', 0]
    ])
  );
});

it('a cycle, which cannot be, is still drawn', () => {
  const places = quickLayout(boxes(3), [line(0, 1), line(1, 0)]);
  expect(places.size).toBe(3);
});

it.each([
  ['a chain', (i: number) => [i - 1]],
  ['a fan', () => [0]],
  ['a net', (i: number) => [Math.floor(i / 2), Math.floor(i / 3)]]
])('no two boxes of %s lie upon each other', (_, parents) => {
  const all = boxes(500);
  const lines = all
    .slice(1)
    .flatMap((_, i) => parents(i + 1).map(parent => line(parent, i + 1)));
  const places = quickLayout(all, lines);
  const seen = new Set<string>();
  for (const { source, target } of lines) {
    const from = places.get(source);
    const to = places.get(target);
    expect(from && to && from.x < to.x).toBe(true);
  }
  const sorted = [...places.values()].sort((a, b) => a.x - b.x || a.y - b.y);
  sorted.forEach(({ x, y }, i) => {
    seen.add(`${x} ${y}`);
    const next = sorted[i + 1];
    if (next && next.x === x) {
      expect(next.y - y).toBeGreaterThanOrEqual(44);
    }
  });
  expect(seen.size).toBe(500);
});

it('sweeps take out crossings', () => {
  // two chains side by side, told in the order that would cross
  const lines = [line(0, 3), line(1, 2)];
  const places = quickLayout(boxes(4), lines);
  const y = (id: string) => places.get(id)?.y ?? 0;
  expect(Math.sign(y('s0') - y('s1'))).toBe(Math.sign(y('s3') - y('s2')));
});

it('arrow keys follow lines, then nearness', () => {
  const places = new Map([
    ['a', { x: 0, y: 0 }],
    ['b', { x: 200, y: 0 }],
    ['c', { x: 200, y: 60 }],
    ['d', { x: 400, y: 60 }]
  ]);
  const lines = [
    { source: 'a', target: 'c' },
    { source: 'c', target: 'd' }
  ];
  expect(neighbour('a', 'right', places, lines)).toBe('c');
  expect(neighbour('d', 'left', places, lines)).toBe('c');
  expect(neighbour('c', 'up', places, lines)).toBe('b');
  expect(neighbour('b', 'down', places, lines)).toBe('c');
  expect(neighbour('b', 'right', places, lines)).toBe('d');
  expect(neighbour('a', 'left', places, lines)).toBeNull();
  expect(neighbour('x', 'left', places, lines)).toBeNull();
});
