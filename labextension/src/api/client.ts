/** Requests to the server extension, typed by its OpenAPI contract. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { ApiError, unreachable } from './errors';
import type { paths } from './schema';
import type { Answer, Arguments, Method, PathsOf } from './types';

export { ApiError } from './errors';

/** Where the interface lies under the server's base URL. */
export const API = 'jupyter-kf/api';

type Scalar = string | number | boolean;

/** The parts of a request as they are put into it, whatever the operation. */
interface IParts {
  path?: Record<string, Scalar>;
  query?: Record<string, Scalar | readonly Scalar[] | undefined>;
  body?: unknown;
}

export class Client {
  constructor(
    readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings()
  ) {}

  /** Read: `client.get('/runs/{run}', { path: { run } })`. */
  get<P extends PathsOf<'get'>>(
    path: P,
    args: Arguments<P, 'get'>,
    signal?: AbortSignal
  ): Promise<Answer<P, 'get'>> {
    return this.json(path, 'get', args, signal);
  }

  /** Do: `client.post('/runs/{run}/cancel', { path: { run } })`. */
  post<P extends PathsOf<'post'>>(
    path: P,
    args: Arguments<P, 'post'>,
    signal?: AbortSignal
  ): Promise<Answer<P, 'post'>> {
    return this.json(path, 'post', args, signal);
  }

  /** Any method, answered by its JSON; nothing for 204. */
  async json<P extends PathsOf<M>, M extends Method>(
    path: P,
    method: M,
    args: Arguments<P, M>,
    signal?: AbortSignal
  ): Promise<Answer<P, M>> {
    const response = await this.request(path, method, args, signal);
    const body = response.status === 204 ? undefined : await response.json();
    return body as Answer<P, M>;
  }

  /**
   * Any method, answered by the response itself (for streams and downloads).
   *
   * Throws an ApiError for whatever is no success.
   */
  async request<P extends PathsOf<M>, M extends Method>(
    path: P,
    method: M,
    args: Arguments<P, M>,
    signal?: AbortSignal
  ): Promise<Response> {
    const { body } = args as IParts;
    const init: RequestInit = { method: method.toUpperCase(), signal };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
    }
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(
        this.url(path, args as IParts),
        init,
        this.settings
      );
    } catch (error) {
      throw signal?.aborted
        ? new DOMException('No longer wanted', 'AbortError')
        : unreachable(error);
    }
    if (!response.ok) {
      throw await ApiError.of(response);
    }
    return response;
  }

  /** The address of something to download, for a link. */
  href<P extends PathsOf<'get'>>(path: P, args: Arguments<P, 'get'>): string {
    return this.url(path, args as IParts);
  }

  private url(path: keyof paths, parts: IParts): string {
    const place = path.replace(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(String(parts.path?.[name] ?? ''))
    );
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parts.query ?? {})) {
      for (const one of Array.isArray(value) ? value : [value]) {
        if (one !== undefined) {
          query.append(name, String(one));
        }
      }
    }
    const text = query.toString();
    return (
      URLExt.join(this.settings.baseUrl, API, place) + (text ? `?${text}` : '')
    );
  }
}
