import type { Check, Diagnostic } from '../../api/types';
import {
  counts,
  edited,
  lineSpan,
  neighbour,
  problemsOf,
  worst,
  type IProblem
} from '../model';

function finding(
  cell_index: number | null,
  line: number | null,
  severity: Diagnostic['severity'] = 'error'
): Diagnostic {
  const cell = cell_index === null ? null : `c${cell_index}`;
  const code = `KF1${cell_index ?? 'x'}${line ?? 'x'}`;
  return { code, severity, message: '', fix: '', cell, cell_index, line };
}

function found(...diagnostics: Diagnostic[]): IProblem[] {
  return problemsOf({ diagnostics } as Check);
}

describe('findings', () => {
  it('stand in the order of their places, the worst first', () => {
    const problems = found(
      finding(2, 1, 'info'),
      finding(2, 1, 'error'),
      finding(1, 5),
      finding(1, 2),
      finding(null, null)
    );
    expect(
      problems.map(each => [each.cell_index, each.line, each.severity])
    ).toEqual([
      [null, null, 'error'],
      [1, 2, 'error'],
      [1, 5, 'error'],
      [2, 1, 'error'],
      [2, 1, 'info']
    ]);
    expect(new Set(problems.map(each => each.key)).size).toBe(5);
  });

  it('are counted by severity', () => {
    const problems = found(finding(1, 1, 'info'), finding(1, 1, 'warning'));
    expect(counts(problems)).toEqual({ error: 0, warning: 1, info: 1 });
    expect(worst(problems)).toBe('warning');
    expect(worst([])).toBeNull();
  });
});

describe('the next finding', () => {
  const problems = found(
    finding(null, null),
    finding(1, 2),
    finding(1, 2, 'info'),
    finding(3, 1)
  );

  it.each([
    [{ index: 0, line: 1 }, 1, 1],
    [{ index: 1, line: 1 }, 1, 1],
    [{ index: 1, line: 2 }, 1, 3],
    [{ index: 3, line: 1 }, 1, 0],
    [{ index: 3, line: 1 }, -1, 2],
    [{ index: 0, line: 1 }, -1, 0],
    [null, 1, 0]
  ] as const)('from %j by %d is number %d', (place, step, wanted) => {
    expect(neighbour(problems, place, null, step)).toBe(problems[wanted]);
  });

  it('goes through those of one place, and round the end', () => {
    const here = { index: 1, line: 2 };
    expect(neighbour(problems, here, problems[1].key, 1)).toBe(problems[2]);
    expect(neighbour(problems, here, problems[2].key, 1)).toBe(problems[3]);
    expect(neighbour(problems, { index: 3, line: 1 }, problems[3].key, 1)).toBe(
      problems[0]
    );
    expect(neighbour(problems, here, problems[0].key, 1)).toBe(problems[1]);
  });

  it('starts anew where the cursor was moved away', () => {
    const away = { index: 2, line: 7 };
    expect(neighbour(problems, away, problems[1].key, 1)).toBe(problems[3]);
  });

  it('is none where nothing is wrong', () => {
    expect(neighbour([], null, null, 1)).toBeNull();
  });
});

describe('a fix', () => {
  const edit = (line: number, end_line: number, text: string) => ({
    cell: 'c0',
    line,
    end_line,
    text
  });

  it('replaces its lines', () => {
    expect(edited('a\nb\nc', edit(2, 2, 'x\ny'), 'a\nb\nc')).toBe('a\nx\ny\nc');
    expect(edited('a\nb\nc', edit(1, 3, 'x'), 'a\nb\nc')).toBe('x');
    expect(edited('a', edit(1, 0, 'x'), 'a')).toBe('x\na');
  });

  it('is not applied to another text than it was made for', () => {
    expect(edited('a\nb!', edit(1, 1, 'x'), 'a\nb')).toBeNull();
    expect(edited('a', edit(1, 1, 'x'), undefined)).toBeNull();
    expect(edited('a', edit(1, 2, 'x'), 'a')).toBeNull();
  });
});

describe('the place of a line', () => {
  it.each([
    ['a = 1\n  b = 2  \nc', 2, 'b = 2'],
    ['a\nb', 9, 'b'],
    ['a\n\nb', 2, ''],
    ['   ', 1, ''],
    ['', 1, '']
  ])('in %j, line %d, is %j', (source, line, wanted) => {
    const { from, to } = lineSpan(source, line);
    expect(source.slice(from, to)).toBe(wanted);
    expect(to).toBeLessThanOrEqual(source.length);
  });
});
