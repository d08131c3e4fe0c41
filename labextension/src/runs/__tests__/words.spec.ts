import { nullTranslator } from '@jupyterlab/translation';

import { makeRun } from '../../api/__tests__/words';
import type { State } from '../../api/types';
import { abilities, metricWord, notebookWord, situation } from '../words';

const trans = nullTranslator.load('jupyter_kf');

const progress = { done: 1, total: 3, failed: 0, running: 1, cached: 0 };

describe('a row', () => {
  it.each([
    ['RUNNING', 'running, 1 of 3 steps'],
    ['CANCELED', 'cancelled, 1 of 3 steps'],
    ['SUCCEEDED', ''],
    ['FAILED', 'failed']
  ] as const)('says where a run that is %s is', (state, words) => {
    expect(situation(makeRun({ state, progress }), trans)).toBe(words);
  });

  it('names the step that failed, and says that nothing had to be run', () => {
    const failed = { ...progress, failed: 1, failed_step: 'train' };
    const run = makeRun({ state: 'FAILED', progress: failed });
    expect(situation(run, trans)).toBe('failed in train');
    const cached = { ...progress, done: 3, cached: 3 };
    expect(situation(makeRun({ progress: cached }), trans)).toBe('cached');
  });

  it('names the notebook where the run is not called like it', () => {
    expect(notebookWord(makeRun({ name: 'train' }))).toBe('');
    expect(notebookWord(makeRun({ name: 'best' }))).toBe('train.ipynb');
    const notebook = 'C:\\work\\a b.ipynb';
    expect(notebookWord(makeRun({ notebook }))).toBe('a b.ipynb');
    expect(notebookWord(makeRun({ notebook: '' }))).toBe('');
  });

  it('shows one metric', () => {
    expect(metricWord(makeRun({ metrics: { acc: 0.12345678, f1: 1 } }))).toBe(
      'acc 0.123457'
    );
    expect(metricWord(makeRun())).toBe('');
  });

  it.each<[State, string]>([
    ['PENDING', 'cancel'],
    ['RUNNING', 'cancel'],
    ['CANCELING', ''],
    ['SUCCEEDED', 'remove'],
    ['FAILED', 'resume edited remove'],
    ['CANCELED', 'resume edited remove'],
    ['INTERRUPTED', 'resume edited remove']
  ])('can do with a run that is %s: %s', (state, wanted) => {
    const can = Object.entries(abilities(makeRun({ state })));
    const names = can.filter(([, able]) => able).map(([name]) => name);
    expect(names.join(' ')).toBe(wanted);
  });

  it('resumes notebooks only, and with edits only what has steps', () => {
    const of = (kind: 'notebook' | 'cell' | 'session') =>
      abilities(makeRun({ kind, state: 'FAILED' }));
    expect([of('notebook').resume, of('notebook').edited]).toEqual([
      true,
      false
    ]);
    expect([of('cell').resume, of('session').resume]).toEqual([false, false]);
  });
});
