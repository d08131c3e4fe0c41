import {
  act,
  cleanup,
  fireEvent,
  render,
  screen
} from '@testing-library/react';
import React, { useState } from 'react';

import type { Client } from '../../api/client';
import { LogBuffer } from '../../logs/buffer';
import { LogViewer } from '../../logs/viewer';
import { CommandIDs } from '../../tokens';
import { SurroundingsProvider, type ISurroundings } from '../context';
import { Header } from '../header';
import type { RunModel } from '../model';
import { Tabs } from '../parts';
import { Timeline } from '../timeline/view';
import { foldSteps } from '../steps';
import { anExecution, aRun } from './fixtures';

// jsdom lays nothing out
class StillResizeObserver {
  constructor(private readonly told: ResizeObserverCallback) {}
  observe(): void {
    const contentRect = { width: 800, height: 360 } as DOMRectReadOnly;
    this.told([{ contentRect } as ResizeObserverEntry], this);
  }
  unobserve(): void {}
  disconnect(): void {}
}

beforeAll(() => {
  Object.assign(globalThis, { ResizeObserver: StillResizeObserver });
});
afterEach(cleanup);

function filled(text: string, args: unknown[]): string {
  return text.replace(/%(\d)/g, (_, n) => String(args[Number(n) - 1]));
}

const surroundings = {
  client: {} as Client,
  rendermime: null,
  languages: null,
  trans: {
    __: (text: string, ...args: unknown[]) => filled(text, args),
    _n: (one: string, many: string, n: number, ...args: unknown[]) =>
      filled(n === 1 ? one : many, [n, ...args])
  },
  open: jest.fn(),
  openNotebook: jest.fn(),
  openCell: jest.fn(),
  command: jest.fn(),
  compareWith: jest.fn()
};

function show(element: JSX.Element) {
  return render(
    <SurroundingsProvider value={surroundings as unknown as ISurroundings}>
      {element}
    </SurroundingsProvider>
  );
}

describe('the head', () => {
  const model = { edit: jest.fn(async () => undefined) };
  const head = (run = aRun(), told = false) =>
    show(<Header model={model as unknown as RunModel} run={run} told={told} />);

  it('says what the run is and offers what can be done', () => {
    head();
    expect(screen.getByText('classify').tagName).toBe('H2');
    expect(screen.getByText('running')).toBeTruthy();
    expect(screen.getByRole('progressbar').getAttribute('aria-valuemax')).toBe(
      '2'
    );
    expect(screen.queryByText('Delete…')).toBeNull();
    fireEvent.click(screen.getByText('Cancel'));
    expect(surroundings.command).toHaveBeenCalledWith(
      CommandIDs.cancelRun,
      expect.objectContaining({ id: 'r1' })
    );
  });

  it('leads from an error to its cell', () => {
    const error = {
      type: 'StepFailed',
      code: 'KF201',
      message: 'it broke',
      fix: '',
      cell: 'abc',
      cell_index: 3,
      line: 2
    };
    head(aRun({ state: 'FAILED', error }));
    fireEvent.click(screen.getByText('Go to the cell, line 2'));
    expect(surroundings.openCell).toHaveBeenCalledWith({
      path: 'a.ipynb',
      cell: 'abc',
      index: 3,
      line: 2
    });
    cleanup();
    head(aRun({ state: 'FAILED', error }), true);
    expect(screen.queryByText('it broke')).toBeNull();
  });

  it('takes tags and notes', async () => {
    head(aRun({ tags: { team: 'a' } }));
    fireEvent.click(screen.getByLabelText('Take the tag team away'));
    expect(model.edit).toHaveBeenCalledWith({ tags: { team: null } });
    fireEvent.click(screen.getByText('+ tag'));
    const input = screen.getByLabelText('New tag, as name=value');
    fireEvent.change(input, { target: { value: 'k = v=w' } });
    await act(async () => {
      fireEvent.submit(input);
    });
    expect(model.edit).toHaveBeenCalledWith({ tags: { k: 'v=w' } });
    fireEvent.click(screen.getByText('+ note'));
    fireEvent.change(screen.getByLabelText('Note'), {
      target: { value: 'good' }
    });
    await act(async () => {
      fireEvent.click(screen.getByText('Save'));
    });
    expect(model.edit).toHaveBeenCalledWith({ note: 'good' });
  });
});

it('tabs are walked by arrow keys', () => {
  function Some(): JSX.Element {
    const [chosen, setChosen] = useState('a');
    const tabs = ['a', 'b', 'c'].map(id => ({ id, label: id.toUpperCase() }));
    return (
      <Tabs label="t" tabs={tabs} chosen={chosen} onChoose={setChosen}>
        in {chosen}
      </Tabs>
    );
  }
  show(<Some />);
  const press = (key: string) =>
    fireEvent.keyDown(document.activeElement as Element, { key });
  screen.getByText('A').focus();
  press('ArrowLeft');
  expect(document.activeElement?.textContent).toBe('C');
  press('Home');
  press('ArrowRight');
  expect(screen.getByRole('tabpanel').textContent).toBe('in b');
  expect(screen.getAllByRole('tab', { selected: true })).toHaveLength(1);
});

describe('a log', () => {
  const viewer = (buffer: LogBuffer) => (
    <LogViewer
      buffer={buffer}
      version={buffer.version}
      going={false}
      label="log"
      empty="nothing"
    />
  );

  it('draws only what is in view', () => {
    const buffer = new LogBuffer();
    buffer.append(
      Array.from({ length: 5000 }, (_, i) => `line ${i}`).join('\n')
    );
    show(viewer(buffer));
    const rows = screen.getByRole('log').querySelectorAll('pre > div > div');
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.length).toBeLessThan(60);
  });

  it('is searched', () => {
    const buffer = new LogBuffer();
    buffer.append('one\ntwo\none more\n');
    show(viewer(buffer));
    const search = screen.getByLabelText('Search the log');
    fireEvent.change(search, { target: { value: 'ONE' } });
    expect(screen.getByText('1 of 2')).toBeTruthy();
    fireEvent.keyDown(search, { key: 'Enter' });
    expect(screen.getByText('2 of 2')).toBeTruthy();
    const marks = document.querySelectorAll('mark');
    expect(marks).toHaveLength(2);
    expect(marks[1].className).toBe('jp-mod-current');
    fireEvent.change(search, { target: { value: 'zzz' } });
    expect(screen.getByText('not found')).toBeTruthy();
  });

  it('says when it is empty', () => {
    show(viewer(new LogBuffer()));
    expect(screen.getByText('nothing')).toBeTruthy();
  });
});

it('the timeline chooses steps by keys and clicks', () => {
  const choose = jest.fn();
  const steps = foldSteps(
    ['load', 'train'],
    [anExecution(), anExecution({ id: 'e2', step: 'train', cached: true })]
  );
  show(
    <Timeline
      run={aRun({ state: 'SUCCEEDED', finished: '2026-01-01T00:00:09Z' })}
      steps={steps}
      step="load"
      onChoose={choose}
    />
  );
  fireEvent.keyDown(screen.getByRole('grid'), { key: 'ArrowDown' });
  expect(choose).toHaveBeenLastCalledWith('train');
  fireEvent.click(screen.getByLabelText(/^load, attempt 1, succeeded, 2.0 s/));
  expect(choose).toHaveBeenLastCalledWith('load');
  expect(
    screen.getByLabelText(/^train, attempt 1, from the cache/)
  ).toBeTruthy();
});
