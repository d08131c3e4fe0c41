/** A notebook that is open, as texts to read and to change. Changes go through the shared model: undo and others' cursors hold. */

import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';

import type { IDocumentText } from './check';
import {
  headLike,
  parseDirective,
  spliceOf,
  withMark,
  type IMarkAs
} from './directive';
import { tagOf, withRoleTag, type Dialect, type ICellText } from './marks';

/** The tags of a cell. */
export function tagsOf(model: ICellModel): string[] {
  const tags: unknown = model.getMetadata('tags');
  return Array.isArray(tags)
    ? tags.filter((tag): tag is string => typeof tag === 'string')
    : [];
}

/** What of each cell says what it is. */
export function cellTexts(model: INotebookModel): ICellText[] {
  return Array.from(model.cells, cell => ({
    id: cell.id,
    code: cell.type === 'code',
    source: cell.sharedModel.getSource(),
    tags: tagsOf(cell)
  }));
}

/** The notebook's metadata without what widgets save in it, which may be much. */
export function metadataOf(model: INotebookModel): Record<string, unknown> {
  const metadata: Record<string, unknown> = {
    ...model.sharedModel.getMetadata()
  };
  delete metadata.widgets;
  return metadata;
}

/** The notebook as the server checks it, without outputs. */
export function documentText(
  model: INotebookModel,
  path: string
): IDocumentText {
  const cells = cellTexts(model);
  const content = {
    nbformat: model.nbformat,
    nbformat_minor: Math.max(5, model.nbformatMinor),
    metadata: metadataOf(model),
    cells: Array.from(model.cells, (cell, index) => ({
      id: cell.id,
      cell_type: cell.type,
      metadata: { tags: [...cells[index].tags] },
      source: cells[index].source,
      ...(cell.type === 'code' ? { outputs: [], execution_count: null } : {})
    }))
  };
  const sources = new Map(cells.map(({ id, source }) => [id, source]));
  return { path, content, sources };
}

/** Write another text into a cell: only what differs is replaced, as one step to undo. */
export function applySource(model: ICellModel, after: string): void {
  const shared = model.sharedModel;
  const splice = spliceOf(shared.getSource(), after);
  if (splice === null) {
    return;
  }
  const undo = undoOf(shared);
  undo?.stopCapturing();
  shared.updateSource(splice.start, splice.end, splice.text);
  undo?.stopCapturing();
}

interface IUndo {
  stopCapturing(): void;
}

/** The cell's undo stack, or the notebook's where they share one. */
function undoOf(shared: object): IUndo | null {
  const { undoManager } = shared as { undoManager?: IUndo | null };
  return undoManager ?? null;
}

/**
 * Mark a code cell as something else, or with null as nothing.
 *
 * The directive line is the one truth; a cell that only a tag marks keeps to tags, and so does a notebook of Kale's.
 */
export function markCell(
  model: INotebookModel,
  cell: ICellModel,
  mark: IMarkAs | null,
  dialect: Dialect
): void {
  const source = cell.sharedModel.getSource();
  const written = parseDirective(source) !== null;
  const tags = tagsOf(cell);
  const tagged = withRoleTag(tags, null, dialect).length < tags.length;
  if (written || (dialect === 'kubeflow' && !tagged && mark !== null)) {
    const others = cellTexts(model).flatMap(each =>
      each.code ? [each.source] : []
    );
    applySource(cell, withMark(source, mark, headLike(others)));
  }
  if (tagged || (dialect === 'kale' && !written && mark !== null)) {
    const tag = mark && kaleTag(mark, dialect);
    writeTags(cell, withRoleTag(tags, written ? null : tag, dialect));
  }
}

function kaleTag(mark: IMarkAs, dialect: Dialect): string {
  return dialect === 'kale' && mark.verb === 'params'
    ? 'pipeline-parameters'
    : tagOf(mark.verb, mark.name ?? '');
}

function writeTags(cell: ICellModel, tags: readonly string[]): void {
  if (tags.length > 0) {
    cell.setMetadata('tags', [...tags]);
  } else {
    cell.deleteMetadata('tags');
  }
}

/** Move a cell's mark from its tags to a directive line, which can carry options. */
export function writeDirective(
  model: INotebookModel,
  cell: ICellModel,
  mark: IMarkAs
): void {
  const others = cellTexts(model).flatMap(each =>
    each.code ? [each.source] : []
  );
  applySource(
    cell,
    withMark(cell.sharedModel.getSource(), mark, headLike(others))
  );
  const tags = tagsOf(cell);
  const kept = withRoleTag(tags, null, 'kubeflow');
  if (kept.length < tags.length) {
    writeTags(cell, kept);
  }
}
