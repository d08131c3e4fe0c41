import { act, cleanup, render } from '@testing-library/react';
import React from 'react';

import { useLoaded } from '../hooks';

afterEach(cleanup);

/** Questions that are answered by hand. */
class SlowServer {
  asked: string[] = [];
  signals: AbortSignal[] = [];
  private answers: { give: (it: string) => void; fail: (e: Error) => void }[] =
    [];

  ask(key: string, signal: AbortSignal): Promise<string> {
    this.asked.push(key);
    this.signals.push(signal);
    return new Promise((give, fail) => this.answers.push({ give, fail }));
  }

  async answer(text: string | Error): Promise<void> {
    await act(async () => {
      const next = this.answers.shift();
      if (text instanceof Error) {
        next?.fail(text);
      } else {
        next?.give(text);
      }
    });
  }
}

function Shown({ server, at }: { server: SlowServer; at: string }) {
  const { value, error } = useLoaded(at, signal => server.ask(at, signal));
  return (
    <p>
      {value ?? '-'} {error?.message ?? ''}
    </p>
  );
}

it('one question at a time, the last key next', async () => {
  const server = new SlowServer();
  const { container, rerender } = render(<Shown server={server} at="1" />);
  rerender(<Shown server={server} at="2" />);
  rerender(<Shown server={server} at="3" />);
  expect(server.asked).toEqual(['1']);
  await server.answer('one');
  expect(container.textContent).toBe('one ');
  expect(server.asked).toEqual(['1', '3']);
  await server.answer('three');
  expect(container.textContent).toBe('three ');
  expect(server.asked).toHaveLength(2);
});

it('an error leaves the old answer in view, and the next key asks again', async () => {
  const server = new SlowServer();
  const { container, rerender } = render(<Shown server={server} at="1" />);
  await server.answer('one');
  rerender(<Shown server={server} at="2" />);
  await server.answer(new Error('lost'));
  expect(container.textContent).toBe('one lost');
  rerender(<Shown server={server} at="3" />);
  await server.answer('three');
  expect(container.textContent).toBe('three ');
});

it('is given up when nobody looks any more', async () => {
  const server = new SlowServer();
  const { unmount } = render(<Shown server={server} at="1" />);
  unmount();
  expect(server.signals[0].aborted).toBe(true);
  await server.answer('late');
  expect(server.asked).toHaveLength(1);
});
