/** What is known of one open notebook: its marks at once, the server's opinion after a pause, its newest run live. */

import type { NotebookPanel } from '@jupyterlab/notebook';
import { Throttler } from '@lumino/polling';
import { Signal, type ISignal } from '@lumino/signaling';

import { problemsOf, type IProblem } from '../diagnostics/model';
import type { IWorkbench } from '../tokens';
import { CheckModel } from './check';
import { cellTexts, documentText, metadataOf } from './document';
import { LastRun } from './lastrun';
import { markCells, type ICellText, type IMarking } from './marks';
import { cellViews, flowsOf, type Flows, type ICellView } from './view';

/** The marks are read again at most once in this time, in milliseconds; outputs may come without a pause. */
const SHORT = 100;

const NO_MARKS: IMarking = { dialect: 'kubeflow', marks: new Map(), steps: [] };

export class NotebookState {
  /**
   * @param localPath gives the path that the server knows, without a drive
   */
  constructor(
    readonly panel: NotebookPanel,
    private readonly workbench: IWorkbench,
    private readonly localPath: (path: string) => string
  ) {
    const { client, store } = workbench;
    this.check = new CheckModel(
      () => this.read(),
      ({ path, content }, signal) =>
        client.post('/notebooks/check', { body: { path, content } }, signal)
    );
    this.lastRun = new LastRun(store, {
      newest: (notebook, signal) =>
        client.get(
          '/runs',
          { query: { notebook, kind: 'pipeline', limit: 1 } },
          signal
        ),
      detail: (run, signal) =>
        client.get('/runs/{run}', { path: { run } }, signal)
    });
    this.check.changed.connect(this.onChecked, this);
    this.lastRun.changed.connect(this.refresh, this);
    workbench.live.changed.connect(this.onLive, this);
    panel.disposed.connect(() => this.dispose());
    void panel.context.ready.then(() => this.begin());
  }

  /** Emitted when any cell has something else to show. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  readonly check: CheckModel;
  readonly lastRun: LastRun;

  get path(): string {
    return this.localPath(this.panel.context.path);
  }

  get marking(): IMarking {
    return this._marking;
  }

  /** All findings, in the notebook's order. */
  get problems(): readonly IProblem[] {
    return this._problems;
  }

  /** What is shown at the cells, by cell id; a cell without an entry shows nothing. */
  get views(): ReadonlyMap<string, ICellView> {
    return this._views;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this.workbench.live.changed.disconnect(this.onLive, this);
    this._soon.dispose();
    this.check.dispose();
    this.lastRun.dispose();
    Signal.clearData(this);
  }

  private begin(): void {
    if (this._isDisposed) {
      return;
    }
    const { context } = this.panel;
    context.model.contentChanged.connect(this.onEdited, this);
    context.model.cells.changed.connect(this.onCells, this);
    context.pathChanged.connect(this.onPath, this);
    this.update();
  }

  private onEdited(): void {
    void this._soon.invoke();
  }

  /** Cells that come in the place of others, such as when the file is read again, have nothing shown yet. */
  private onCells(): void {
    this._areNew = true;
    void this._soon.invoke();
  }

  private onPath(): void {
    if (this.isMarked) {
      void this.lastRun.follow(this.path);
      this.check.touch();
    }
  }

  /** The server is there again: what it could not answer is asked again. */
  private onLive(): void {
    if (this.workbench.live.error === null && this.check.error !== null) {
      this.check.touch();
    }
  }

  private onChecked(): void {
    const { checked } = this.check;
    this._problems = checked ? problemsOf(checked.check) : [];
    this._flows = flowsOf(checked?.check ?? null);
    this.refresh();
  }

  /** Read the marks again where a cell's text, tag or place is another. Outputs change more often than these. */
  private update(): void {
    const { model } = this.panel.context;
    if (this._isDisposed || !model) {
      return;
    }
    const cells = cellTexts(model);
    const metadata = metadataOf(model);
    const snapshot = JSON.stringify([cells, metadata]);
    if (snapshot === this._snapshot) {
      if (this._areNew) {
        this._areNew = false;
        this._changed.emit();
      }
      return;
    }
    this._areNew = false;
    this._snapshot = snapshot;
    this._marking = markCells(cells, metadata);
    this._isDirective = cells.some(isDirective);
    if (this.isMarked) {
      this.workbench.live.start();
      void this.lastRun.follow(this.path);
    }
    this.check.touch();
    this.refresh();
  }

  /** Whether the notebook is any of ours. */
  get isMarked(): boolean {
    return this._marking.marks.size > 0 || this._isDirective;
  }

  private read() {
    return this.isMarked
      ? documentText(this.panel.context.model, this.path)
      : null;
  }

  private refresh(): void {
    this._views = cellViews(
      this._marking.marks,
      this._problems,
      this._flows,
      this.lastRun.steps
    );
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _soon = new Throttler(() => this.update(), {
    limit: SHORT,
    edge: 'trailing'
  });
  private _marking: IMarking = NO_MARKS;
  private _isDirective = false;
  private _problems: readonly IProblem[] = [];
  private _flows: ReadonlyMap<string, Flows> = new Map();
  private _views: ReadonlyMap<string, ICellView> = new Map();
  private _snapshot = '';
  private _areNew = false;
  private _isDisposed = false;
}

/** A directive that does not stand first has no effect, but a finding. */
function isDirective(cell: ICellText): boolean {
  return cell.code && cell.source.includes('%%kubeflow');
}
