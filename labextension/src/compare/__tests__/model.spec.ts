import {
  asStepDone,
  byStep,
  counts,
  differencesFirst,
  diffLines,
  extremes,
  labels
} from '../model';

const row = (name: string, differs: boolean) => ({ name, differs, values: [] });

it('what differs stands first', () => {
  const rows = [
    row('a', false),
    row('b', true),
    row('c', false),
    row('d', true)
  ];
  const names = (only: boolean) =>
    differencesFirst(rows, only).map(one => one.name);
  expect(names(false)).toEqual(['b', 'd', 'a', 'c']);
  expect(names(true)).toEqual(['b', 'd']);
});

it('a diff is read line by line', () => {
  const lines = diffLines(
    '--- a\n+++ b\n@@ -1,3 +1,3 @@\n same\n-old\n+new\n--- not a file\n'
  );
  expect(
    lines.map(line => [line.kind, line.text, line.before, line.after])
  ).toEqual([
    ['file', '--- a', null, null],
    ['file', '+++ b', null, null],
    ['place', '@@ -1,3 +1,3 @@', null, null],
    ['same', 'same', 1, 1],
    ['removed', 'old', 2, null],
    ['added', 'new', null, 2],
    ['removed', '-- not a file', 3, null]
  ]);
  expect(counts(lines)).toEqual([1, 2]);
  expect(
    diffLines('@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file')
  ).toHaveLength(3);
});

it('diffs are sorted by step, empty ones left out', () => {
  expect(
    byStep([
      { run: 'b', step: 'x', diff: '1' },
      { run: 'c', step: 'x', diff: '2' },
      { run: 'b', step: 'y', diff: '' }
    ])
  ).toEqual([
    {
      step: 'x',
      diffs: [
        { run: 'b', diff: '1' },
        { run: 'c', diff: '2' }
      ]
    }
  ]);
});

it('runs of one name are told apart', () => {
  expect(
    labels([
      { id: 'r-000001', name: 'a' },
      { id: 'r-000002', name: 'a' },
      { id: 'r-000003', name: 'b' }
    ])
  ).toEqual(['a (000001)', 'a (000002)', 'b']);
});

it('values are compared where they can be', () => {
  expect(extremes([1, 3, null])).toEqual({ low: 1, high: 3 });
  expect(extremes([1, 1])).toBeNull();
  expect(extremes([1, null])).toBeNull();
  expect(asStepDone({ state: 'FAILED', seconds: 1, cached: true })).toEqual({
    state: 'FAILED',
    seconds: 1,
    cached: true
  });
  expect(asStepDone(null)).toBeNull();
});
