/** What made an artifact and what used it; the artifacts of a run. Pure. */

import type { ArtifactEntry, Lineage, LineageGraph } from '../api/types';

export type Use = Lineage['made_by'][number];
export type Artifact = Lineage['artifact'];

/** An artifact of a run with the steps that made and used it. */
export interface IListed {
  readonly artifact: Artifact;
  /** The names it goes by in this run. */
  readonly names: readonly string[];
  readonly madeBy: readonly string[];
  readonly usedBy: readonly string[];
  /** Logged by the user, not handed from step to step. */
  readonly logged: boolean;
}

const MAKES: ReadonlySet<Use['role']> = new Set([
  'output',
  'logged',
  'snapshot',
  'environment'
] as const);

/** The artifacts of a run: what was logged first, then values in the order of the steps that made them. */
export function listed(
  entries: readonly ArtifactEntry[],
  graph: LineageGraph | null
): IListed[] {
  const uses = new Map<string, Use[]>();
  for (const use of graph?.uses ?? []) {
    const list = uses.get(use.digest);
    if (list) {
      list.push(use);
    } else {
      uses.set(use.digest, [use]);
    }
  }
  const out = new Map<string, IListed>();
  const put = (artifact: Artifact, name: string, step: string) => {
    const known = out.get(artifact.digest);
    const all = uses.get(artifact.digest) ?? [];
    const makers = all.filter(use => MAKES.has(use.role)).map(use => use.step);
    const users = all.filter(use => use.role === 'input').map(use => use.step);
    out.set(artifact.digest, {
      artifact,
      names: distinct([...(known?.names ?? []), name, ...artifact.names]),
      madeBy: distinct([...(known?.madeBy ?? []), step, ...makers]),
      usedBy: distinct(users),
      logged: all.some(use => use.role === 'logged') || artifact.kind === 'file'
    });
  };
  for (const { artifact, name, step } of entries) {
    put(artifact, name, step);
  }
  for (const artifact of graph?.artifacts ?? []) {
    if (!out.has(artifact.digest)) {
      put(artifact, '', '');
    }
  }
  const all = [...out.values()];
  return [...all.filter(one => one.logged), ...all.filter(one => !one.logged)];
}

/** The uses of an artifact by run, those of `here` first, each step once. */
export function byRun(
  uses: readonly Use[],
  here: string
): { run: string; name: string; uses: Use[] }[] {
  const out = new Map<string, { run: string; name: string; uses: Use[] }>();
  for (const use of uses) {
    const known = out.get(use.run);
    if (!known) {
      out.set(use.run, { run: use.run, name: use.run_name, uses: [use] });
    } else if (
      !known.uses.some(one => one.step === use.step && one.name === use.name)
    ) {
      known.uses.push(use);
    }
  }
  const all = [...out.values()];
  return [
    ...all.filter(one => one.run === here),
    ...all.filter(one => one.run !== here)
  ];
}

/** The beginning of a digest, enough to tell it by. */
export function short(digest: string): string {
  return digest.slice(0, 10);
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names.filter(Boolean))];
}
