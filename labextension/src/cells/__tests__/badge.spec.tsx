import { fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import type { IProblem } from '../../diagnostics/model';
import { Badge, type IBadgeActions } from '../badge';
import type { ICellView } from '../view';

const TRANS = {
  __: (text: string, ...args: unknown[]) =>
    text.replace(/%(\d)/g, (_, place: string) => String(args[+place - 1]))
};

const VIEW: ICellView = {
  id: 'c1',
  role: 'step',
  step: 'train',
  by: 'directive',
  leads: true,
  problems: [],
  incoming: [{ name: 'data', steps: ['load'] }],
  outgoing: [{ name: 'model', steps: ['test', 'report'] }],
  after: ['clean'],
  run: null
};

function shown(view: Partial<ICellView>): jest.Mocked<IBadgeActions> {
  const actions = {
    openMenu: jest.fn(),
    openRun: jest.fn(),
    showProblems: jest.fn()
  };
  render(
    <Badge
      view={{ ...VIEW, ...view }}
      hue={0}
      actions={actions}
      trans={TRANS}
    />
  );
  return actions;
}

describe('Badge', () => {
  it('names the step and opens its menu', () => {
    const actions = shown({});
    const name = screen.getByRole('button', { name: 'train' });
    fireEvent.click(name);
    expect(actions.openMenu).toHaveBeenCalledWith('c1', name);
  });

  it('says what comes in and goes out while it has the focus', () => {
    shown({});
    const name = screen.getByRole('button', { name: 'train' });
    expect(screen.queryByRole('tooltip')).toBeNull();
    fireEvent.focus(name);
    const card = screen.getByRole('tooltip').textContent;
    expect(card).toContain('data ← load');
    expect(card).toContain('model → test, report');
    expect(card).toContain('Runs after clean');
    fireEvent.keyDown(name, { key: 'Escape' });
    expect(screen.queryByRole('tooltip')).toBeNull();
  });

  it('tells a screen reader the same', () => {
    shown({});
    const name = screen.getByRole('button', { name: 'train' });
    const described = document.getElementById(
      name.getAttribute('aria-describedby') ?? ''
    );
    expect(described?.textContent).toBe(
      'takes data; gives model; runs after clean'
    );
  });

  it('shows how the step went, and opens the run there', () => {
    const run = {
      run: 'r1',
      state: 'FAILED' as const,
      cached: false,
      started: null,
      finished: null,
      seconds: 3,
      error: 'ZeroDivisionError'
    };
    const actions = shown({ run });
    const state = screen.getByRole('button', { name: /failed 3\.0 s/ });
    expect(state.title).toContain('ZeroDivisionError');
    fireEvent.click(state);
    expect(actions.openRun).toHaveBeenCalledWith('r1', 'train');
  });

  it('shows it at the first cell of the step only', () => {
    const run = { ...VIEW.run, run: 'r1', state: 'RUNNING' } as const;
    shown({ run: run as ICellView['run'], leads: false });
    expect(screen.queryByRole('button', { name: /running/ })).toBeNull();
  });

  it('counts what is wrong, in a cell that is no step, too', () => {
    const problem = (severity: IProblem['severity']) =>
      ({ key: severity, severity, message: severity }) as IProblem;
    const actions = shown({
      role: null,
      problems: [problem('error'), problem('warning'), problem('warning')]
    });
    fireEvent.click(
      screen.getByRole('button', { name: /1 error, 2 warnings/ })
    );
    expect(actions.showProblems).toHaveBeenCalledWith('c1');
    expect(screen.getAllByRole('button')).toHaveLength(1);
  });
});
