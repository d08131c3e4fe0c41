/** What can go wrong between here and the server, as something to show: what happened and what to do. */

import type { Diagnostic, ErrorBody } from './types';

export class ApiError extends Error {
  constructor(
    /** The HTTP status; 0 where there was no answer. */
    readonly status: number,
    readonly body: ErrorBody
  ) {
    super(body.message);
    this.name = 'ApiError';
  }

  /** The stable code, such as `KF410`; empty where the answer is not ours. */
  get code(): string {
    return this.body.code;
  }

  get fix(): string {
    return this.body.fix;
  }

  /** Why a notebook was refused. */
  get diagnostics(): Diagnostic[] {
    return this.body.diagnostics ?? [];
  }

  /** Read the error that a response carries, whoever wrote it. */
  static async of(response: Response): Promise<ApiError> {
    const text = await response.text().catch(() => '');
    return new ApiError(response.status, asBody(text) ?? told(response, text));
  }
}

/** Make an ApiError of whatever was thrown. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) {
    return error;
  }
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError(0, { type: 'Error', code: '', message, fix: '' });
}

/** The error for a request that was not answered. */
export function unreachable(error: unknown): ApiError {
  const why = error instanceof Error && error.message ? error.message : '';
  return new ApiError(0, {
    type: 'NetworkError',
    code: '',
    message: `The server cannot be reached${why ? ` (${why})` : ''}.`,
    fix: 'Runs go on without it. Check that the Jupyter server is running.'
  });
}

/** Whether an error says that the one who asked was no longer interested. */
export function isAborted(error: unknown): boolean {
  return (error as Partial<Error> | null)?.name === 'AbortError';
}

function asBody(text: string): ErrorBody | null {
  const body = parsed(text);
  return body !== null && 'code' in body && 'message' in body
    ? ({ type: '', fix: '', ...body } as ErrorBody)
    : null;
}

/** Answers that are not ours: a proxy's page, the server's own refusals. */
function told(response: Response, text: string): ErrorBody {
  const said = parsed(text)?.message;
  const what = said ? String(said) : response.statusText;
  const body = { type: 'HTTPError', code: '', fix: '' };
  switch (response.status) {
    case 401:
    case 403:
      return {
        ...body,
        message: `This server does not allow it (${response.status}${what ? `: ${what}` : ''}).`,
        fix: 'Log in again: reload the page.'
      };
    case 404:
      return {
        ...body,
        message: 'The server does not know this address.',
        fix: 'Is the server extension of jupyter_kf enabled? `jupyter server extension list` tells.'
      };
    default:
      return {
        ...body,
        message: `The server answered ${response.status}${what ? `: ${what}` : ''}.`,
        fix: response.status >= 500 ? 'The log of the server says more.' : ''
      };
  }
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
