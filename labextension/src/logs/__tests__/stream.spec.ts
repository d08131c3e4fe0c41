import { ReadableStream } from 'stream/web';
import { TextDecoder, TextEncoder } from 'util';

import type { Client } from '../../api/client';
import { ApiError } from '../../api/errors';
import { LogStream, TAIL } from '../stream';

// jsdom has none of its own
Object.assign(globalThis, { TextDecoder, TextEncoder });

const SOURCE = { run: 'r', execution: 'e', stream: 'stdout' } as const;

interface IAnswer {
  begin?: number;
  size?: number;
  pieces: (string | Uint8Array)[];
  /** The connection is lost after the pieces. */
  lost?: boolean;
}

/** A client that answers each request with the next of some answers. */
class ToldClient {
  asked: { offset: number; follow: boolean }[] = [];
  constructor(private readonly answers: (IAnswer | Error)[]) {}

  async request(
    _path: string,
    _method: string,
    args: { query: { offset: number; follow: boolean } }
  ): Promise<Response> {
    this.asked.push(args.query);
    const answer = this.answers.shift();
    if (!answer || answer instanceof Error) {
      throw answer ?? new Error('asked too often');
    }
    const pieces = answer.pieces.map(piece =>
      typeof piece === 'string' ? new TextEncoder().encode(piece) : piece
    );
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const piece = pieces.shift();
        if (piece) {
          controller.enqueue(piece);
        } else if (answer.lost) {
          controller.error(new Error('lost'));
        } else {
          controller.close();
        }
      }
    });
    const headers = new Map([
      ['X-Offset', String(answer.begin ?? args.query.offset)],
      ['X-Size', String(answer.size ?? 0)]
    ]);
    return { headers, body } as unknown as Response;
  }
}

function made(...answers: (IAnswer | Error)[]) {
  const client = new ToldClient(answers);
  const changed = jest.fn();
  const stream = new LogStream(client as unknown as Client, SOURCE, changed);
  const lines = () => stream.buffer.lines.map(line => line.text);
  return { client, stream, lines, changed };
}

const never = new AbortController().signal;

it('reads the end of a long log and leaves the cut line out', async () => {
  const { client, stream, lines } = made({
    begin: 500,
    size: 520,
    pieces: ['alf\nwhole\nlast']
  });
  expect(stream.waiting).toBe(true);
  await stream.read(true, never);
  expect(lines()).toEqual(['whole', 'last']);
  expect(stream.skipped).toBe(500);
  expect(stream.waiting).toBe(false);
  expect(client.asked).toEqual([{ offset: -TAIL, follow: true }]);
});

it('can be read from the beginning', async () => {
  const { client, stream, lines } = made(
    { begin: 500, size: 504, pieces: ['x\ny\n'] },
    { begin: 0, size: 4, pieces: ['a\n'] },
    { begin: 2, size: 4, pieces: ['b\n'] }
  );
  await stream.read(true, never);
  await stream.read(false, never, true);
  expect(lines()).toEqual(['a', 'b']);
  expect(stream.skipped).toBe(0);
  expect(client.asked.map(one => one.offset)).toEqual([-TAIL, 0, 2]);
});

it('puts characters together that were cut', async () => {
  const bytes = new TextEncoder().encode('käse\n');
  const { lines, stream } = made({
    begin: 0,
    pieces: [bytes.slice(0, 2), bytes.slice(2)]
  });
  await stream.read(true, never);
  expect(lines()).toEqual(['käse']);
});

it('goes on where the connection was lost', async () => {
  const { client, stream, lines } = made(
    { begin: 0, pieces: ['one\nt'], lost: true },
    { begin: 5, pieces: ['wo\n'] }
  );
  await stream.read(true, never);
  expect(lines()).toEqual(['one', 'two']);
  expect(client.asked.map(one => one.offset)).toEqual([-TAIL, 5]);
  expect(stream.error).toBeNull();
});

it('says why it cannot be read, and asks no more', async () => {
  const gone = new ApiError(404, {
    type: 'x',
    code: 'KF301',
    message: 'gone',
    fix: ''
  });
  const { client, stream, changed } = made(gone);
  await stream.read(true, never);
  expect(stream.error).toBe(gone);
  expect(client.asked).toHaveLength(1);
  expect(changed).toHaveBeenCalled();
});

it('ends quietly when nobody looks any more', async () => {
  const stop = new AbortController();
  const { client, stream } = made(new Error('lost'), new Error('lost'));
  const reading = stream.read(true, stop.signal);
  await new Promise(resolve => setTimeout(resolve, 20));
  stop.abort();
  await reading;
  expect(client.asked).toHaveLength(1);
});
