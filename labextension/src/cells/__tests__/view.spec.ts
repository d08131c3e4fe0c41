import type { Check, Execution } from '../../api/types';
import type { IProblem } from '../../diagnostics/model';
import { formOf, hasOptions, isWrong, withForm } from '../form';
import type { IMark } from '../marks';
import { cellViews, flowsOf } from '../view';

function stepOf(name: string, inputs: [string, string][], outputs: string[]) {
  return {
    name,
    cells: [],
    inputs: inputs.map(([value, producer]) => ({ name: value, producer })),
    outputs,
    after: inputs.map(each => each[1]),
    options: {}
  };
}

const CHECK: Check = {
  dialect: 'kubeflow',
  whole: false,
  diagnostics: [],
  cells: [],
  pipeline: {
    name: 'p',
    parameters: [],
    steps: [
      stepOf('load', [], ['data', '<random>']),
      { ...stepOf('clean', [], []), after: ['load'] },
      stepOf(
        'train',
        [
          ['data', 'load'],
          ['<random>', 'load']
        ],
        []
      )
    ],
    edges: [
      { source: 'load', target: 'train', names: ['data', '<random>'] },
      { source: 'load', target: 'clean', names: [] }
    ]
  }
};

describe('what a step takes and gives', () => {
  it('names the steps at the other end, and no hidden variables', () => {
    expect(flowsOf(CHECK).get('load')).toEqual({
      incoming: [],
      outgoing: [{ name: 'data', steps: ['train'] }],
      after: []
    });
    expect(flowsOf(CHECK).get('train')?.incoming).toEqual([
      { name: 'data', steps: ['load'] }
    ]);
  });

  it('tells order without values apart', () => {
    expect(flowsOf(CHECK).get('clean')?.after).toEqual(['load']);
    expect(flowsOf(CHECK).get('train')?.after).toEqual([]);
  });

  it('is nothing for a step that the server does not know yet', () => {
    expect(flowsOf(CHECK).get('new')).toBeUndefined();
    expect(flowsOf(null).size).toBe(0);
  });
});

describe('what is shown at cells', () => {
  const mark = (
    id: string,
    role: IMark['role'],
    step = ''
  ): [string, IMark] => [
    id,
    { id, index: Number(id), role, step, by: 'directive' }
  ];
  const problem = (cell: string | null) =>
    ({ key: 'k', code: 'KF124', cell }) as IProblem;

  it('joins marks, findings and the last run', () => {
    const execution = { run: 'r', state: 'FAILED' } as Execution;
    const views = cellViews(
      new Map([
        mark('1', 'step', 'a'),
        mark('2', 'params'),
        mark('3', 'step', 'a')
      ]),
      [problem('3'), problem('9'), problem(null)],
      flowsOf(null),
      new Map([['a', execution]])
    );
    expect([...views.keys()]).toEqual(['1', '2', '3', '9']);
    expect(views.get('1')).toMatchObject({ leads: true, run: { run: 'r' } });
    expect(views.get('3')).toMatchObject({ leads: false });
    expect(views.get('3')?.problems).toHaveLength(1);
    expect(views.get('2')).toMatchObject({ leads: false, run: null });
    expect(views.get('9')).toMatchObject({ role: null, step: '' });
  });
});

describe('the form of a mark', () => {
  const TEXT =
    '%%kubeflow step a --after b,c --cpu 2 --no-cache --image x\npass';

  it('reads the options and writes them back as they are', () => {
    const form = formOf(TEXT, 'step', 'a');
    expect(form.options).toMatchObject({ '--after': 'b, c', '--cpu': '2' });
    expect(form.cache).toBe(false);
    expect(withForm(TEXT, form)).toBe(TEXT);
  });

  it('writes what was changed and leaves the rest', () => {
    const form = formOf(TEXT, 'step', 'a');
    const options = { ...form.options, '--after': '', '--gpu': '1' };
    expect(withForm(TEXT, { ...form, options, cache: true })).toBe(
      '%%kubeflow step a --cpu 2 --image x --gpu 1\npass'
    );
  });

  it('knows whether a tag would do', () => {
    const empty = formOf('x = 1', 'step', 'a');
    expect(hasOptions(empty)).toBe(false);
    expect(hasOptions({ ...empty, cache: false })).toBe(true);
    expect(hasOptions({ ...formOf(TEXT, 'step', 'a'), role: 'skip' })).toBe(
      false
    );
  });

  it('tells wrong fields', () => {
    const form = formOf(TEXT, 'step', 'two words');
    const options = {
      ...form.options,
      '--after': 'b c!',
      '--memory': 'much',
      '--timeout': ''
    };
    const changed = { ...form, options };
    expect(isWrong(changed, 'step')).toBe(true);
    expect(isWrong(changed, '--after')).toBe(true);
    expect(isWrong(changed, '--memory')).toBe(true);
    expect(isWrong(changed, '--timeout')).toBe(false);
    expect(isWrong({ ...changed, role: 'setup' }, 'step')).toBe(false);
  });
});
