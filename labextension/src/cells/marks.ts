/**
 * What each cell of a notebook is: directives and tags, in both dialects, become one role a cell.
 *
 * The same rules as `jupyter_kf/notebook/marks.py`; `tests/notebooks/directives.json` holds both to them. Badges show
 * them at once, before the server has looked at the notebook.
 */
import { isStepName, parseDirective } from './directive';

/** `broken` is a cell whose directive or tag cannot be understood; the last three are Kale's. */
export type Role =
  | 'step'
  | 'params'
  | 'setup'
  | 'skip'
  | 'broken'
  | 'imports'
  | 'functions'
  | 'metrics';
export type Dialect = 'kubeflow' | 'kale';

/** What of a cell says what it is. */
export interface ICellText {
  id: string;
  code: boolean;
  source: string;
  tags: readonly string[];
}

/** A marked cell. `by` is what marks it: its own line or tag, Kale's rule, or papermill's tag. */
export interface IMark {
  id: string;
  index: number;
  role: Role;
  step: string;
  by: 'directive' | 'tag' | 'above' | 'papermill';
}

/** The marks of a notebook's cells by cell id, in the notebook's order. */
export interface IMarking {
  dialect: Dialect;
  marks: ReadonlyMap<string, IMark>;
  /** The steps' names, in the notebook's order. */
  steps: readonly string[];
}

interface IFound {
  role: Role | '';
  step: string;
}

const KALE_KEY = 'kubeflow_notebook';
const KALE_ONLY =
  /^(?:(?:prev|block):|(?:imports|functions|pipeline-parameters|pipeline-metrics)$)/;
const KALE_ROLES: Readonly<Record<string, Role>> = {
  imports: 'imports',
  functions: 'functions',
  'pipeline-parameters': 'params',
  'pipeline-metrics': 'metrics',
  skip: 'skip'
};

/** The tag that says the same as a directive. */
export function tagOf(verb: string, name: string): string {
  return verb === 'step' ? `step:${name}` : verb;
}

/** True for a tag that marks a cell in the Kubeflow dialect. */
export function isMarkTag(tag: string): boolean {
  return ['params', 'setup', 'skip'].includes(tag) || tag.startsWith('step:');
}

/** True for a tag that gives a cell its role in the Kale dialect. */
export function isKaleRoleTag(tag: string): boolean {
  return tag in KALE_ROLES || /^(?:step|block):/.test(tag);
}

/** True for a tag that a notebook of Kale's has and no other. */
export function isKaleTag(tag: string): boolean {
  return KALE_ONLY.test(tag);
}

/** Read the marks of a notebook. */
export function markCells(
  cells: readonly ICellText[],
  metadata: Readonly<Record<string, unknown>>
): IMarking {
  const own = metadata[KALE_KEY];
  const kale =
    (typeof own === 'object' && own !== null && !Array.isArray(own)) ||
    cells.some(cell => cell.code && cell.tags.some(isKaleTag));
  const marks = new Map<string, IMark>();
  let above: IFound = { role: '', step: '' };
  cells.forEach((cell, index) => {
    if (!cell.code) {
      return;
    }
    const mark = cellMark(cell, index, kale, above);
    if (mark === null) {
      return;
    }
    marks.set(cell.id, mark);
    if (mark.role !== 'skip') {
      above = mark;
    }
  });
  if (!kale) {
    papermill(cells, marks);
  }
  const steps = [...marks.values()].flatMap(m =>
    m.role === 'step' ? [m.step] : []
  );
  return {
    dialect: kale ? 'kale' : 'kubeflow',
    marks,
    steps: [...new Set(steps)]
  };
}

function cellMark(
  cell: ICellText,
  index: number,
  kale: boolean,
  above: IFound
): IMark | null {
  const place = { id: cell.id, index };
  const directive = parseDirective(cell.source);
  if (directive !== null) {
    const role = directive.verb || (kale ? '' : 'broken');
    if (role !== '') {
      return { ...place, role, step: directive.name, by: 'directive' };
    }
  } else {
    const tagged = (kale ? kaleTags : plainTags)(cell.tags);
    if (tagged !== null && tagged.role !== '') {
      return { ...place, role: tagged.role, step: tagged.step, by: 'tag' };
    }
  }
  if (!kale) {
    return null;
  }
  const role = above.role || 'skip';
  return { ...place, role, step: above.step, by: 'above' };
}

function plainTags(tags: readonly string[]): IFound | null {
  let slips = false;
  for (const tag of tags.filter(isMarkTag)) {
    if (!tag.startsWith('step:')) {
      return { role: tag as Role, step: '' };
    }
    const step = tag.slice(5).trim();
    if (isStepName(step)) {
      return { role: 'step', step };
    }
    slips = true;
  }
  return slips ? { role: 'broken', step: '' } : null;
}

function kaleTags(tags: readonly string[]): IFound | null {
  for (const tag of tags) {
    if (tag in KALE_ROLES) {
      return { role: KALE_ROLES[tag], step: '' };
    }
    const step = /^(?:step|block):(.*)$/.exec(tag)?.[1].trim();
    if (step) {
      return isStepName(step) ? { role: 'step', step } : null;
    }
  }
  return null;
}

/** Papermill's `parameters` cell serves where steps are marked and no cell is marked `params`. */
function papermill(
  cells: readonly ICellText[],
  marks: Map<string, IMark>
): void {
  const roles = [...marks.values()].map(mark => mark.role);
  if (!roles.includes('step') || roles.includes('params')) {
    return;
  }
  cells.forEach((cell, index) => {
    if (cell.code && !marks.has(cell.id) && cell.tags.includes('parameters')) {
      const place = { id: cell.id, index };
      marks.set(cell.id, {
        ...place,
        role: 'params',
        step: '',
        by: 'papermill'
      });
    }
  });
}

/** The tags of a cell when its role is another; other tags stay where they are. */
export function withRoleTag(
  tags: readonly string[],
  tag: string | null,
  dialect: Dialect
): string[] {
  const isRole = dialect === 'kale' ? isKaleRoleTag : isMarkTag;
  const place = tags.findIndex(isRole);
  const kept = tags.filter(each => !isRole(each));
  if (tag !== null) {
    kept.splice(place < 0 ? kept.length : place, 0, tag);
  }
  return kept;
}
