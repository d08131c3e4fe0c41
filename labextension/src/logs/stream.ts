/** A step's log as it grows: read from an offset, followed, taken up again after the connection was lost. No DOM. */

import type { Client } from '../api/client';
import { asApiError, isAborted, type ApiError } from '../api/errors';
import { LogBuffer } from './buffer';

export type StreamName = 'stdout' | 'stderr';

/** How much of the end of a long log is read at first, in bytes. */
export const TAIL = 1024 * 1024;
/** How long to wait before a lost connection is tried again, in milliseconds. */
const PATIENCE = [500, 1000, 2000, 5000];

export interface ILogSource {
  readonly run: string;
  readonly execution: string;
  readonly stream: StreamName;
}

export class LogStream {
  /**
   * @param changed called after each piece
   */
  constructor(
    private readonly client: Client,
    readonly source: ILogSource,
    private readonly changed: () => void
  ) {}

  readonly buffer = new LogBuffer();

  /** Bytes at the beginning that were not read. */
  get skipped(): number {
    return this._begin;
  }

  get error(): ApiError | null {
    return this._error;
  }

  /** Nothing was read yet. */
  get waiting(): boolean {
    return this._next === null && this._error === null;
  }

  /**
   * Read from the tail, or from the beginning, to the end; with `follow` until the execution is over.
   *
   * Ends without an error when `signal` is aborted.
   */
  async read(
    follow: boolean,
    signal: AbortSignal,
    fromStart = false
  ): Promise<void> {
    if (fromStart) {
      this.buffer.clear();
      this._next = 0;
      this._begin = 0;
    }
    for (let tries = 0; !signal.aborted; tries++) {
      const before = this._next;
      try {
        await this.once(follow, signal);
        this.setError(null);
        return;
      } catch (thrown) {
        if (signal.aborted || isAborted(thrown)) {
          return;
        }
        const error = asApiError(thrown);
        this.setError(error);
        if (error.status >= 400 && error.status < 500) {
          return; // asking again will not help
        }
        if (this._next !== before) {
          tries = 0;
        }
      }
      await pause(PATIENCE[Math.min(tries, PATIENCE.length - 1)], signal);
    }
  }

  private async once(follow: boolean, signal: AbortSignal): Promise<void> {
    for (;;) {
      const { run, execution, stream } = this.source;
      const response = await this.client.request(
        '/runs/{run}/executions/{execution}/logs/{stream}',
        'get',
        {
          path: { run, execution, stream },
          query: { offset: this._next ?? -TAIL, follow }
        },
        signal
      );
      const begin = Number(response.headers.get('X-Offset') ?? 0);
      if (this._next === null) {
        this._next = begin;
        this._begin = begin;
      }
      this.setError(null);
      const from = this._next;
      await this.take(response, begin > 0 && begin === this._begin);
      const size = Number(response.headers.get('X-Size') ?? 0);
      if (follow || this._next >= size || this._next === from) {
        return;
      }
    }
  }

  /** Take in a body as it comes; `partial`: it begins somewhere in a line, which is left out. */
  private async take(response: Response, partial: boolean): Promise<void> {
    const decoder = new TextDecoder();
    const put = (text: string) => {
      if (partial) {
        const end = text.indexOf('\n');
        text = end < 0 ? '' : text.slice(end + 1);
        partial = end < 0;
      }
      if (text) {
        this.buffer.append(text);
      }
      this.changed();
    };
    const reader = response.body?.getReader();
    if (!reader) {
      return;
    }
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) {
          break;
        }
        this._next = (this._next ?? 0) + value.length;
        put(decoder.decode(value, { stream: true }));
      }
    } finally {
      const rest = decoder.decode();
      if (rest) {
        put(rest);
      }
      this.changed();
    }
  }

  private setError(error: ApiError | null): void {
    if (error?.message !== this._error?.message) {
      this._error = error;
      this.changed();
    }
  }

  private _next: number | null = null;
  private _begin = 0;
  private _error: ApiError | null = null;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
