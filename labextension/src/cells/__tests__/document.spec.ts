import { YNotebook, type YCodeCell } from '@jupyter/ydoc';
import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';
import * as Y from 'yjs';

import {
  applySource,
  documentText,
  markCell,
  tagsOf,
  writeDirective
} from '../document';

/** A notebook of code cells with the real shared model, and as much of Lab's models around it as is asked of them. */
function notebookOf(...sources: string[]) {
  const shared = YNotebook.create({
    disableDocumentWideUndoRedo: true
  }) as YNotebook;
  const cells = sources.map((source, index) => {
    const sharedModel = shared.addCell({
      cell_type: 'code',
      id: `c${index}`,
      source
    }) as YCodeCell;
    sharedModel.undoManager?.clear();
    return {
      id: sharedModel.id,
      type: 'code',
      sharedModel,
      getMetadata: (key: string) => sharedModel.getMetadata(key) as unknown,
      setMetadata: (key: string, value: unknown) =>
        sharedModel.setMetadata(key, value as string),
      deleteMetadata: (key: string) => sharedModel.deleteMetadata(key)
    } as unknown as ICellModel;
  });
  const model = {
    nbformat: 4,
    nbformatMinor: 5,
    sharedModel: shared,
    cells
  } as unknown as INotebookModel;
  const sourcesNow = () => cells.map(cell => cell.sharedModel.getSource());
  return { shared, cells, model, sourcesNow };
}

describe('a text that is written into a cell', () => {
  it('is one step to undo, apart from what was typed before and after', () => {
    const { cells, sourcesNow } = notebookOf('x = 1');
    const shared = cells[0].sharedModel;
    shared.updateSource(5, 5, '0');
    applySource(cells[0], '%%kubeflow step a\nx = 10');
    const { length } = shared.getSource();
    shared.updateSource(length, length, '0');
    shared.undo();
    expect(sourcesNow()).toEqual(['%%kubeflow step a\nx = 10']);
    shared.undo();
    expect(sourcesNow()).toEqual(['x = 10']);
    shared.undo();
    expect(sourcesNow()).toEqual(['x = 1']);
  });

  it('leaves what another person types at the same time', () => {
    const { shared, cells, sourcesNow } = notebookOf(
      '%%kubeflow step a --cpu 1\nx = 1'
    );
    const other = new YNotebook();
    Y.applyUpdate(other.ydoc, Y.encodeStateAsUpdate(shared.ydoc));
    const theirs = other.cells[0];
    const { length } = theirs.getSource();
    theirs.updateSource(length, length, ' + 1');
    theirs.updateSource(0, 0, '\n');
    applySource(cells[0], '%%kubeflow step b --cpu 1\nx = 1');
    Y.applyUpdate(shared.ydoc, Y.encodeStateAsUpdate(other.ydoc));
    Y.applyUpdate(other.ydoc, Y.encodeStateAsUpdate(shared.ydoc));
    const merged = '\n%%kubeflow step b --cpu 1\nx = 1 + 1';
    expect(sourcesNow()).toEqual([merged]);
    expect(other.cells[0].getSource()).toBe(merged);
  });
});

describe('a mark', () => {
  const train = { verb: 'step', name: 'train' } as const;

  it('is a line of the form that the notebook has', () => {
    const { model, cells, sourcesNow } = notebookOf('x', '# %%kubeflow skip');
    markCell(model, cells[0], train, 'kubeflow');
    expect(sourcesNow()[0]).toBe('# %%kubeflow step train\nx');
    markCell(model, cells[0], null, 'kubeflow');
    expect(sourcesNow()[0]).toBe('x');
  });

  it('stays a tag where it is one, beside tags of others', () => {
    const { model, cells, sourcesNow } = notebookOf('x');
    cells[0].setMetadata('tags', ['mine', 'step:a']);
    markCell(model, cells[0], train, 'kubeflow');
    expect(tagsOf(cells[0])).toEqual(['mine', 'step:train']);
    markCell(model, cells[0], null, 'kubeflow');
    expect(tagsOf(cells[0])).toEqual(['mine']);
    expect(sourcesNow()).toEqual(['x']);
  });

  it('that is said twice is said by the line alone afterwards', () => {
    const { model, cells, sourcesNow } = notebookOf('%%kubeflow step a\nx');
    cells[0].setMetadata('tags', ['step:a']);
    markCell(model, cells[0], train, 'kubeflow');
    expect(sourcesNow()).toEqual(['%%kubeflow step train\nx']);
    expect(tagsOf(cells[0])).toEqual([]);
  });

  it("is one of Kale's tags in a notebook of Kale's", () => {
    const { model, cells, sourcesNow } = notebookOf('x');
    cells[0].setMetadata('tags', ['block:a', 'prev:b']);
    markCell(model, cells[0], train, 'kale');
    expect(tagsOf(cells[0])).toEqual(['step:train', 'prev:b']);
    markCell(model, cells[0], { verb: 'params' }, 'kale');
    expect(tagsOf(cells[0])).toEqual(['pipeline-parameters', 'prev:b']);
    expect(sourcesNow()).toEqual(['x']);
  });

  it('moves from a tag to a line that can carry options', () => {
    const { model, cells, sourcesNow } = notebookOf('x');
    cells[0].setMetadata('tags', ['step:train', 'mine']);
    writeDirective(model, cells[0], train);
    expect(sourcesNow()).toEqual(['%%kubeflow step train\nx']);
    expect(tagsOf(cells[0])).toEqual(['mine']);
  });
});

describe('what the server checks', () => {
  it('is the document as it is, without outputs and saved widgets', () => {
    const { model, shared, cells } = notebookOf('x = 1', 'y = 2');
    shared.setMetadata('widgets', { state: 'much' });
    shared.setMetadata('kubeflow_notebook', { pipeline_name: 'p' });
    cells[1].setMetadata('tags', ['skip']);
    const { path, content, sources } = documentText(model, 'a.ipynb');
    expect(path).toBe('a.ipynb');
    expect(sources.get('c1')).toBe('y = 2');
    expect(content.metadata).toMatchObject({
      kubeflow_notebook: { pipeline_name: 'p' }
    });
    expect(content.metadata).not.toHaveProperty('widgets');
    expect(content.cells).toEqual([
      expect.objectContaining({ id: 'c0', source: 'x = 1', outputs: [] }),
      expect.objectContaining({ metadata: { tags: ['skip'] } })
    ]);
  });
});
