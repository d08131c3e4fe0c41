import type { Check } from '../../api/types';
import { CheckModel, PAUSE, type IDocumentText } from '../check';

const CHECK: Check = {
  pipeline: null,
  dialect: 'kubeflow',
  whole: false,
  diagnostics: [],
  cells: []
};

function documentOf(text: string): IDocumentText {
  return { path: 'a.ipynb', content: {}, sources: new Map([['c0', text]]) };
}

/** A server that answers when it is told to. */
class SlowServer {
  readonly asked: {
    document: IDocumentText;
    signal: AbortSignal;
    answer: (check: Check) => void;
    fail: (error: Error) => void;
  }[] = [];

  readonly fetch = (document: IDocumentText, signal: AbortSignal) =>
    new Promise<Check>((answer, fail) => {
      this.asked.push({ document, signal, answer, fail });
    });
}

describe('CheckModel', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  function made(): {
    model: CheckModel;
    server: SlowServer;
    write: (text: string | null) => void;
    told: () => number;
  } {
    let text: string | null = 'x';
    let count = 0;
    const server = new SlowServer();
    const model = new CheckModel(
      () => (text === null ? null : documentOf(text)),
      server.fetch
    );
    model.changed.connect(() => count++);
    return {
      model,
      server,
      write: next => {
        text = next;
      },
      told: () => count
    };
  }

  /** Let promises go on. */
  const settle = () => jest.advanceTimersByTimeAsync(0);

  it('asks once, after the document rests', async () => {
    const { model, server } = made();
    model.touch();
    await jest.advanceTimersByTimeAsync(PAUSE - 1);
    model.touch();
    await jest.advanceTimersByTimeAsync(PAUSE - 1);
    expect(server.asked).toHaveLength(0);
    await jest.advanceTimersByTimeAsync(1);
    expect(server.asked).toHaveLength(1);
  });

  it('keeps the texts that an answer is about', async () => {
    const { model, server, write, told } = made();
    void model.refresh();
    write('later');
    server.asked[0].answer(CHECK);
    await settle();
    expect(model.checked?.sources.get('c0')).toBe('x');
    expect(model.checked?.check).toBe(CHECK);
    expect(told()).toBe(1);
  });

  it('drops the answer to an older question, whichever comes first', async () => {
    const { model, server } = made();
    void model.refresh();
    void model.refresh();
    expect(server.asked[0].signal.aborted).toBe(true);
    const newer = { ...CHECK, whole: true };
    server.asked[1].answer(newer);
    await settle();
    server.asked[0].answer(CHECK);
    await settle();
    expect(model.checked?.check).toBe(newer);
  });

  it('keeps the last answer when the server is away, and says so', async () => {
    const { model, server } = made();
    void model.refresh();
    server.asked[0].answer(CHECK);
    await settle();
    void model.refresh();
    server.asked[1].fail(new Error('away'));
    await settle();
    expect(model.checked?.check).toBe(CHECK);
    expect(model.error?.message).toBe('away');
    void model.refresh();
    server.asked[2].answer(CHECK);
    await settle();
    expect(model.error).toBeNull();
  });

  it('says nothing of a question that was taken back', async () => {
    const { model, server, told } = made();
    void model.refresh();
    model.dispose();
    const aborted = new Error('aborted');
    aborted.name = 'AbortError';
    server.asked[0].fail(aborted);
    await settle();
    expect(told()).toBe(0);
    expect(model.error).toBeNull();
  });

  it('forgets the answer once nothing is to be checked', async () => {
    const { model, server, write, told } = made();
    void model.refresh();
    server.asked[0].answer(CHECK);
    await settle();
    write(null);
    await model.refresh();
    await model.refresh();
    expect(model.checked).toBeNull();
    expect(server.asked).toHaveLength(1);
    expect(told()).toBe(2);
  });
});
