import { ServerConnection } from '@jupyterlab/services';

import { Client } from '../client';
import { ApiError, isAborted } from '../errors';

/** A client whose requests are answered here. */
function setUp(answer: () => Response | Promise<Response>): {
  client: Client;
  requests: Request[];
} {
  const requests: Request[] = [];
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://server/user/me/',
    token: 'secret',
    fetch: async request => {
      requests.push(request as Request);
      return answer();
    }
  });
  return { client: new Client(settings), requests };
}

const json = (body: unknown, status = 200) =>
  new Response(JSON.stringify(body), { status });

async function failure(answer: () => Response): Promise<ApiError> {
  const { client } = setUp(answer);
  try {
    await client.get('/status', {});
  } catch (error) {
    return error as ApiError;
  }
  throw new Error('nothing was thrown');
}

describe('Client', () => {
  it('fills in paths and queries', async () => {
    const { client, requests } = setUp(() => json({}));
    await client.get('/runs/{run}', { path: { run: 'a/ü' } });
    await client.get('/runs/compare', { query: { run: ['a', 'b'] } });
    await client.get('/runs', { query: { search: 'x & y', state: undefined } });
    const addresses = requests.map(one => one.url.replace(/[?&]\d+$/, ''));
    expect(addresses).toEqual([
      'http://server/user/me/jupyter-kf/api/runs/a%2F%C3%BC',
      'http://server/user/me/jupyter-kf/api/runs/compare?run=a&run=b',
      'http://server/user/me/jupyter-kf/api/runs?search=x+%26+y'
    ]);
    expect(requests[0].headers.get('Authorization')).toBe('token secret');
  });

  it('sends a body as JSON and takes nothing for an answer', async () => {
    const { client, requests } = setUp(
      () => new Response(null, { status: 204 })
    );
    await client.post('/runs', { body: { path: 'a.ipynb' } });
    expect(requests[0].method).toBe('POST');
    expect(await requests[0].json()).toEqual({ path: 'a.ipynb' });
  });

  it('throws what the server says went wrong', async () => {
    const error = await failure(() =>
      json({ type: 'UsageError', code: 'KF410', message: 'no', fix: 'do' }, 404)
    );
    expect(error).toBeInstanceOf(ApiError);
    expect([error.status, error.code, error.message, error.fix]).toEqual([
      404,
      'KF410',
      'no',
      'do'
    ]);
    expect(error.diagnostics).toEqual([]);
  });

  it.each([
    [403, '{"message": "Forbidden"}', /not allow.*403: Forbidden/],
    [502, '<html>Bad Gateway</html>', /answered 502/],
    [404, '', /does not know/]
  ])('makes sense of %s from others', async (status, text, message) => {
    const error = await failure(() => new Response(text, { status }));
    expect(error.message).toMatch(message);
    expect(error.code).toBe('');
  });

  it('says that there is no server', async () => {
    const error = await failure(() => {
      throw new TypeError('Failed to fetch');
    });
    expect([error.status, error.body.type]).toEqual([0, 'NetworkError']);
    expect(error.fix).not.toBe('');
  });

  it('hands on that nobody wants the answer any more', async () => {
    const abort = new AbortController();
    const { client } = setUp(() => {
      abort.abort();
      throw Object.assign(new Error('stop'), { name: 'AbortError' });
    });
    const thrown = await client
      .get('/status', {}, abort.signal)
      .catch((error: unknown) => error);
    expect(isAborted(thrown)).toBe(true);
  });
});
