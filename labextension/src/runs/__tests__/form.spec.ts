import type { Check, Parameter } from '../../api/types';
import { beginning, isLong, mistake, request } from '../form';

const parameters: Parameter[] = [
  { name: 'rate', type: 'float', default: 0.1 },
  { name: 'name', type: 'str', default: '' },
  { name: 'layers', type: 'list', default: [16, 8] },
  { name: 'verbose', type: 'bool', default: true },
  { name: 'limit', type: 'none', default: null }
];

const check: Check = {
  pipeline: { name: 'train', parameters, steps: [], edges: [] },
  dialect: 'kubeflow',
  whole: false,
  diagnostics: [],
  cells: []
};

describe('the form', () => {
  it('asks for nothing that the notebook says itself', () => {
    expect(request('a.ipynb', check, beginning(check, ''))).toEqual({
      path: 'a.ipynb'
    });
  });

  it('hands on what was changed', () => {
    const values = beginning(check, ' tuning ');
    const parameters = {
      ...values.parameters,
      rate: '0.2',
      name: '5',
      verbose: false,
      limit: '7'
    };
    expect(
      request('a.ipynb', check, {
        ...values,
        parameters,
        cache: false,
        note: 'why',
        until: 'train'
      })
    ).toEqual({
      path: 'a.ipynb',
      parameters: { rate: '0.2', name: '5', verbose: false, limit: '7' },
      experiment: 'tuning',
      no_cache: true,
      note: 'why',
      until: 'train'
    });
  });

  it('shows defaults as they can be typed', () => {
    expect(beginning(check, '').parameters).toEqual({
      rate: '0.1',
      name: '',
      layers: '[16,8]',
      verbose: true,
      limit: 'None'
    });
    expect(parameters.filter(isLong).map(one => one.name)).toEqual(['layers']);
  });

  it.each([
    ['int', '12', null],
    ['int', '-1_000', null],
    ['int', '1.5', 'int'],
    ['float', '1e-3', null],
    ['float', '.5', null],
    ['float', '-inf', null],
    ['float', '0,1', 'float'],
    ['float', ' ', 'empty'],
    ['str', '', null],
    ['list', '', 'empty']
  ] as const)('%s from “%s”: %s', (type, text, wrong) => {
    expect(mistake({ name: 'x', type, default: null }, text)).toBe(wrong);
  });
});
