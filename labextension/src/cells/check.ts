/** The server's opinion of a notebook as it is being edited: asked for after a pause, the newest answer kept. No DOM. */

import { Signal, type ISignal } from '@lumino/signaling';

import { asApiError, isAborted, type ApiError } from '../api/errors';
import type { Check } from '../api/types';

/** How long nothing must change before the server is asked, in milliseconds. */
export const PAUSE = 300;

/** A notebook's JSON without outputs, and the texts of its cells by id. */
export interface IDocumentText {
  path: string;
  content: Record<string, unknown>;
  sources: ReadonlyMap<string, string>;
}

/** An answer, with the texts that it is about. */
export interface IChecked {
  readonly check: Check;
  readonly sources: ReadonlyMap<string, string>;
}

export class CheckModel {
  /**
   * @param read gives the document as it is now, or null where there is nothing to check
   * @param fetchCheck asks the server
   */
  constructor(
    private readonly read: () => IDocumentText | null,
    private readonly fetchCheck: (
      document: IDocumentText,
      signal: AbortSignal
    ) => Promise<Check>
  ) {}

  /** Emitted when there is another answer, or none can be had. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The newest answer; it may be about an older text than there is now. */
  get checked(): IChecked | null {
    return this._checked;
  }

  /** Why the newest question has no answer, or null. */
  get error(): ApiError | null {
    return this._error;
  }

  /** Say that the document may have changed: it is checked once it rests. */
  touch(): void {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => void this.refresh(), PAUSE);
  }

  /** Check now; an answer that is still to come for an older text is dropped. */
  async refresh(): Promise<void> {
    clearTimeout(this._timer);
    this._request?.abort();
    const document = this.read();
    if (document === null) {
      this._request = null;
      if (this._checked !== null || this._error !== null) {
        this.keep(null, null);
      }
      return;
    }
    const request = (this._request = new AbortController());
    try {
      const check = await this.fetchCheck(document, request.signal);
      if (request === this._request) {
        this.keep({ check, sources: document.sources }, null);
      }
    } catch (error) {
      if (request === this._request && !isAborted(error)) {
        this.keep(this._checked, asApiError(error));
      }
    }
  }

  dispose(): void {
    clearTimeout(this._timer);
    this._request?.abort();
    this._request = null;
    Signal.clearData(this);
  }

  private keep(checked: IChecked | null, error: ApiError | null): void {
    this._checked = checked;
    this._error = error;
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private _checked: IChecked | null = null;
  private _error: ApiError | null = null;
  private _request: AbortController | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
