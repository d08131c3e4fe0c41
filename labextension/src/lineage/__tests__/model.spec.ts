import type { ArtifactEntry, LineageGraph } from '../../api/types';
import { byRun, listed, short, type Artifact, type Use } from '../model';

function artifact(digest: string, change: Partial<Artifact> = {}): Artifact {
  return {
    digest,
    size: 10,
    kind: 'bundle',
    names: [],
    types: {},
    created: null,
    gone: false,
    ...change
  };
}

function use(change: Partial<Use>): Use {
  return {
    role: 'output',
    name: 'x',
    digest: 'aa',
    run: 'r1',
    run_name: 'first',
    execution: 'e',
    step: 'load',
    state: 'SUCCEEDED',
    cached: false,
    time: null,
    ...change
  };
}

it('lists what was logged, then what steps hand on', () => {
  const entries: ArtifactEntry[] = [
    {
      step: 'load',
      name: 'x',
      artifact: artifact('aa', { names: ['x', 'y'] })
    },
    { step: 'plot', name: 'f.png', artifact: artifact('bb', { kind: 'file' }) }
  ];
  const graph: LineageGraph = {
    run: 'r1',
    artifacts: [artifact('aa'), artifact('cc', { names: ['notebook'] })],
    uses: [
      use({}),
      use({ role: 'input', step: 'train' }),
      use({ role: 'input', step: 'train', name: 'y' }),
      use({ role: 'logged', digest: 'bb', step: 'plot' })
    ]
  };
  const out = listed(entries, graph);
  expect(out.map(one => one.artifact.digest)).toEqual(['bb', 'aa', 'cc']);
  expect(out[1]).toMatchObject({
    names: ['x', 'y'],
    madeBy: ['load'],
    usedBy: ['train'],
    logged: false
  });
  expect(out[2].names).toEqual(['notebook']);
  expect(listed(entries, null).map(one => one.usedBy)).toEqual([[], []]);
});

it('shows uses by run, the open one first', () => {
  const out = byRun(
    [
      use({ run: 'r2', run_name: 'second' }),
      use({}),
      use({ execution: 'again' }),
      use({ step: 'other' })
    ],
    'r1'
  );
  expect(out.map(one => [one.name, one.uses.map(u => u.step)])).toEqual([
    ['first', ['load', 'other']],
    ['second', ['load']]
  ]);
  expect(short('0123456789abcdef')).toBe('0123456789');
});
