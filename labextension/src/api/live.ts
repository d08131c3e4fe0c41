/** One stream of changes for all views: Jupyter's events, and a question to the server for whatever they left out. */

import type { Event } from '@jupyterlab/services';
import { Poll } from '@lumino/polling';
import { Signal, type ISignal } from '@lumino/signaling';

import { asApiError, type ApiError } from './errors';
import type { RunsStore } from './store';
import type { Changes } from './types';

/** The schema that the server's events follow. */
export const CHANGES = 'urn:jupyter_kf:events:changes:v1';

/** How often the server is asked although events should tell, in milliseconds. */
const ACTIVE = 3_000;
const QUIET = 30_000;
/** The longest pause between two tries while the server is away. */
const AWAY = 8_000;
/** How long Lab may take to open its socket for events again after the server was away. */
const RECONNECTION = 60_000;

/** Where events come from: the service manager's stream. */
export type EventStream = Pick<ISignal<unknown, Event.Emission>, 'connect'> & {
  disconnect(
    slot: (sender: unknown, event: Event.Emission) => void,
    thisArg: unknown
  ): boolean;
};

export class Live {
  /**
   * Does nothing until `start`, so that Lab's start does not pay.
   *
   * @param events Jupyter's event stream, whose socket Lab keeps open and opens again by itself
   */
  constructor(
    private readonly store: RunsStore,
    private readonly events: EventStream
  ) {}

  /** Emitted when the server was lost or is there again. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Why the server could not be asked at the last try, or null. */
  get error(): ApiError | null {
    return this._error;
  }

  /** Begin to listen; calls after the first do nothing. */
  start(): void {
    if (this._poll) {
      return;
    }
    this.events.connect(this.onEvent, this);
    this.store.changed.connect(this.onStore, this);
    document.addEventListener('visibilitychange', this.onVisible);
    window.addEventListener('online', this.onVisible);
    this._poll = new Poll({
      name: 'jupyter-kf:changes',
      factory: () => this.ask(),
      frequency: frequency(ACTIVE),
      standby: 'when-hidden'
    });
  }

  /** Ask now, such as after the user pressed "try again". */
  async refresh(): Promise<void> {
    await this._poll?.refresh();
  }

  dispose(): void {
    this._poll?.dispose();
    this._poll = null;
    document.removeEventListener('visibilitychange', this.onVisible);
    window.removeEventListener('online', this.onVisible);
    this.events.disconnect(this.onEvent, this);
    this.store.changed.disconnect(this.onStore, this);
    Signal.clearData(this);
  }

  private onEvent(_: unknown, event: Event.Emission): void {
    if (event.schema_id === CHANGES) {
      this.store.receive(event as unknown as Changes);
    }
  }

  private readonly onVisible = () => {
    if (document.visibilityState === 'visible') {
      void this.refresh();
    }
  };

  private async ask(): Promise<void> {
    try {
      await this.store.catchUp();
    } catch (error) {
      this.setPace(ACTIVE);
      this.setError(asApiError(error));
      throw error;
    }
    if (this._error) {
      this._deafUntil = Date.now() + RECONNECTION;
    }
    this.setError(null);
    const eager = this.store.isActive || Date.now() < this._deafUntil;
    this.setPace(eager ? ACTIVE : QUIET);
  }

  /** Ask more often from the moment on in which a run begins. */
  private onStore(): void {
    if (this._pace === QUIET && this.store.isActive) {
      this.setPace(ACTIVE);
      void this._poll?.schedule({ interval: ACTIVE, phase: 'resolved' });
    }
  }

  private setPace(pace: number): void {
    if (this._poll && pace !== this._pace) {
      this._pace = pace;
      this._poll.frequency = frequency(pace);
    }
  }

  private setError(error: ApiError | null): void {
    const told = this._error?.message !== error?.message;
    this._error = error;
    if (told) {
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _poll: Poll | null = null;
  private _pace = ACTIVE;
  /** Until when events may not come because the socket is not open again. */
  private _deafUntil = 0;
  private _error: ApiError | null = null;
}

function frequency(interval: number): Poll['frequency'] {
  return { interval, backoff: true, max: Math.max(interval, AWAY) };
}
