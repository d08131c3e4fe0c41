import { fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import { ApiError } from '../../api/errors';
import { ProblemList, type IProblemListProps } from '../list';
import type { IProblem } from '../model';

const TRANS = {
  __: (text: string, ...args: unknown[]) =>
    text.replace(/%(\d)/g, (_, place: string) => String(args[+place - 1]))
};

const PROBLEM: IProblem = {
  key: 'k',
  code: 'KF124',
  severity: 'error',
  message: 'Step `a` needs `k`.',
  why: 'Exploration is left out.',
  fix: 'Mark cell 0.',
  cell: 'c1',
  cell_index: 1,
  line: 2,
  edit: { cell: 'c0', line: 1, end_line: 1, text: '%%kubeflow setup\nk = 1' }
};

function shown(more: Partial<IProblemListProps>) {
  const actions = { reveal: jest.fn(), fix: jest.fn() };
  const { container } = render(
    <ProblemList
      notebook="a.ipynb"
      isMarked={true}
      problems={[PROBLEM]}
      error={null}
      current={null}
      actions={actions}
      trans={TRANS}
      {...more}
    />
  );
  return { actions, container };
}

describe('ProblemList', () => {
  it('goes to a finding, and fixes it', () => {
    const { actions, container } = shown({});
    fireEvent.click(screen.getByRole('button', { name: /Step a needs k/ }));
    expect(actions.reveal).toHaveBeenCalledWith(PROBLEM);
    const apply = screen.getByRole('button', { name: 'Apply fix' });
    expect(apply.title).toBe('Writes: %%kubeflow setup');
    fireEvent.click(apply);
    expect(actions.fix).toHaveBeenCalledWith(PROBLEM);
    expect(container.textContent).toContain('cell 1, line 2');
    expect(container.textContent).toContain('Exploration is left out.');
  });

  it('offers no button where the fix is not mechanical', () => {
    shown({ problems: [{ ...PROBLEM, edit: null, why: '' }] });
    expect(screen.queryByRole('button', { name: 'Apply fix' })).toBeNull();
    expect(screen.getByText('KF124')).toBeTruthy();
  });

  it.each([
    [{ notebook: null, isMarked: false, problems: null }, /Open a notebook/],
    [{ isMarked: false, problems: null }, /No cell of this notebook/],
    [{ problems: null }, /Looking at/],
    [{ problems: [] }, /Nothing is wrong/]
  ])('says what is the matter with an empty list', (more, text) => {
    shown(more);
    expect(screen.getByRole('status').textContent).toMatch(text);
  });

  it('says that the server is away, and keeps what was found', () => {
    const error = new ApiError(0, {
      type: '',
      code: '',
      message: 'Away.',
      fix: 'Wait.'
    });
    shown({ error });
    expect(screen.getByRole('alert').textContent).toBe('Away. Wait.');
    expect(screen.getAllByRole('listitem')).toHaveLength(1);
  });
});
