import { readFileSync } from 'fs';
import { join } from 'path';
import {
  headLike,
  isOptionValue,
  isStepName,
  parseDirective,
  quoted,
  spliceOf,
  withMark,
  withOption
} from '../directive';
import { markCells, withRoleTag } from '../marks';

interface ICases {
  directives: {
    source: string;
    directive: null | {
      line: number;
      verb: string;
      name: string;
      options: Record<string, string[]>;
    };
  }[];
  names: { good: string[]; bad: string[] };
  values: Record<string, { good: string[]; bad: string[] }>;
  notebooks: {
    cells: [string, string[]][];
    metadata?: Record<string, unknown>;
    dialect: string;
    roles: [string, string][];
  }[];
}

const CASES = JSON.parse(
  readFileSync(
    join(__dirname, '../../../../tests/notebooks/directives.json'),
    'utf-8'
  )
) as ICases;

describe('directives', () => {
  it.each(CASES.directives.map(each => [each.source, each.directive] as const))(
    'reads %j as the server does',
    (source, wanted) => {
      const found = parseDirective(source);
      if (found === null || wanted === null) {
        expect(found).toEqual(wanted);
        return;
      }
      expect({
        line: found.line + 1,
        verb: found.verb,
        name: found.name,
        options: Object.fromEntries(found.options)
      }).toEqual(wanted);
    }
  );

  it('tells good names', () => {
    expect(CASES.names.good.filter(isStepName)).toEqual(CASES.names.good);
    expect(CASES.names.bad.filter(isStepName)).toEqual([]);
  });

  it.each(Object.entries(CASES.values))(
    'tells values of %s',
    (option, texts) => {
      expect(texts.good.filter(text => !isOptionValue(option, text))).toEqual(
        []
      );
      expect(texts.bad.filter(text => isOptionValue(option, text))).toEqual([]);
    }
  );

  it('quotes what needs it, and reads it again', () => {
    for (const word of [
      'a',
      'größe',
      'two words',
      `it's "so"`,
      'a\\b',
      'x=1'
    ]) {
      const read = parseDirective(`%%kubeflow step a --image ${quoted(word)}`);
      expect(read?.options.get('--image')).toEqual([word]);
    }
    expect(quoted('größe')).toBe('größe');
  });
});

describe('marks', () => {
  it.each(CASES.notebooks.map((each, place) => [place, each] as const))(
    'are those of the server (%d)',
    (_, { cells, metadata, dialect, roles }) => {
      const texts = cells.map(([source, tags], index) => ({
        id: `c${index}`,
        code: true,
        source,
        tags
      }));
      const marking = markCells(texts, metadata ?? {});
      expect(marking.dialect).toBe(dialect);
      const found = texts.map(({ id }) => {
        const mark = marking.marks.get(id);
        return [mark?.role ?? '', mark?.step ?? ''];
      });
      expect(found).toEqual(roles);
    }
  );

  it('lists each step once and leaves other cells out', () => {
    const cell = (id: string, source: string, code = true) => ({
      id,
      code,
      source,
      tags: []
    });
    const marking = markCells(
      [
        cell('1', '%%kubeflow step b'),
        cell('2', '%%kubeflow step a', false),
        cell('3', '%%kubeflow step b'),
        cell('4', '%%kubeflow step c')
      ],
      {}
    );
    expect(marking.steps).toEqual(['b', 'c']);
    expect([...marking.marks.keys()]).toEqual(['1', '3', '4']);
  });

  it('change by tags, in both dialects', () => {
    expect(withRoleTag(['x', 'step:a', 'y'], 'setup', 'kubeflow')).toEqual([
      'x',
      'setup',
      'y'
    ]);
    expect(withRoleTag(['x'], 'step:a', 'kubeflow')).toEqual(['x', 'step:a']);
    expect(
      withRoleTag(['block:a', 'prev:b', 'limit:cpu:2'], 'step:c', 'kale')
    ).toEqual(['step:c', 'prev:b', 'limit:cpu:2']);
    expect(withRoleTag(['imports', 'x'], null, 'kale')).toEqual(['x']);
  });
});

describe('a changed mark', () => {
  const step = { verb: 'step', name: 'b' } as const;

  it.each([
    ['x = 1', '%%kubeflow step b\nx = 1'],
    ['', '%%kubeflow step b\n'],
    ['%%kubeflow step a\nx = 1', '%%kubeflow step b\nx = 1'],
    [
      '\n#  %%kubeflow step a  --cpu 2\nx',
      '\n#  %%kubeflow step b  --cpu 2\nx'
    ],
    [
      '%%kubeflow step --cpu 2 a more words --gpu 1',
      '%%kubeflow step --cpu 2 b --gpu 1'
    ],
    ['%%kubeflow params\nx = 1', '%%kubeflow step b\nx = 1'],
    ['%%kubeflow stepp a --cpu 1', '%%kubeflow step b']
  ])('makes %j a step', (before, after) => {
    expect(withMark(before, step)).toBe(after);
  });

  it('drops options that the new verb does not take', () => {
    expect(withMark('# %%kubeflow step a --cpu 2\nx', { verb: 'setup' })).toBe(
      '# %%kubeflow setup\nx'
    );
  });

  it('goes away with its line', () => {
    expect(withMark('%%kubeflow step a\nx = 1', null)).toBe('x = 1');
    expect(withMark('x = 1', null)).toBe('x = 1');
  });

  it('is a comment where the others are, but never above a cell magic', () => {
    const head = headLike(['x = 1', '# %%kubeflow step a', '#%%kubeflow skip']);
    expect(withMark('x', step, head)).toBe('# %%kubeflow step b\nx');
    expect(withMark('%%time\nx', step, head)).toBe(
      '%%kubeflow step b\n%%time\nx'
    );
    expect(headLike(['%%kubeflow step a', '# %%kubeflow step b'])).toBe(
      '%%kubeflow'
    );
    expect(headLike([])).toBe('%%kubeflow');
  });

  it('quotes no good name and is read again', () => {
    const source = withMark('x', { verb: 'step', name: 'größe' });
    expect(source).toBe('%%kubeflow step größe\nx');
  });
});

describe('a changed option', () => {
  it.each([
    ['%%kubeflow step a\nx', '--cpu', ['2'], '%%kubeflow step a --cpu 2\nx'],
    [
      '%%kubeflow step a --cpu=1  --gpu 1',
      '--cpu',
      ['2'],
      '%%kubeflow step a --cpu 2  --gpu 1'
    ],
    [
      '%%kubeflow step a --cpu 1 --cpu 2',
      '--cpu',
      ['3'],
      '%%kubeflow step a --cpu 3'
    ],
    [
      '%%kubeflow step a --cpu 1 --gpu 1',
      '--cpu',
      [],
      '%%kubeflow step a --gpu 1'
    ],
    [
      '%%kubeflow step a --after b --after c',
      '--after',
      ['b', 'd'],
      '%%kubeflow step a --after b,d'
    ],
    [
      "%%kubeflow step a --after 'b, c'",
      '--after',
      ['b', 'c'],
      "%%kubeflow step a --after 'b, c'"
    ],
    [
      '%%kubeflow step a',
      '--env',
      ['A=1', 'B=x y'],
      "%%kubeflow step a --env A=1 --env 'B=x y'"
    ],
    ['%%kubeflow step a', '--no-cache', [''], '%%kubeflow step a --no-cache'],
    [
      '%%kubeflow step a --no-cache',
      '--no-cache',
      [''],
      '%%kubeflow step a --no-cache'
    ],
    [
      '%%kubeflow step a --no-cache --cpu 1',
      '--no-cache',
      [],
      '%%kubeflow step a --cpu 1'
    ],
    ['%%kubeflow step a --cpu', '--cpu', ['2'], '%%kubeflow step a --cpu 2'],
    ['%%kubeflow params', '--cpu', ['2'], '%%kubeflow params'],
    ['x = 1', '--cpu', ['2'], 'x = 1']
  ] as const)('%j with %s %j', (before, option, values, after) => {
    expect(withOption(before, option, values)).toBe(after);
  });
});

describe('the smallest replacement', () => {
  it.each([
    ['abc', 'abc'],
    ['abc', 'abxc'],
    ['aaa', 'aaaa'],
    ['abab', 'ab'],
    ['', 'x'],
    ['x', ''],
    ['%%kubeflow step a\nx', '%%kubeflow step bb\nx']
  ])('of %j by %j', (before, after) => {
    const splice = spliceOf(before, after);
    if (splice === null) {
      expect(before).toBe(after);
      return;
    }
    const { start, end, text } = splice;
    expect(before.slice(0, start) + text + before.slice(end)).toBe(after);
    expect(end).toBeGreaterThanOrEqual(start);
  });

  it('leaves the cell below the directive alone', () => {
    const before = '%%kubeflow step a\nx = 1\n';
    const splice = spliceOf(before, '%%kubeflow step b\nx = 1\n');
    expect(splice).toEqual({ start: 16, end: 17, text: 'b' });
  });
});
