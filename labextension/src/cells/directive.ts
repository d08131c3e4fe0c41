/**
 * The grammar of `%%kubeflow` lines: what a cell's text says it is, and the text that says something else.
 *
 * The same rules as `jupyter_kf/notebook/directives.py`; `tests/notebooks/directives.json` holds both to them. Words that
 * a change is not about keep their spelling.
 */

/** What a directive may mark a cell as. */
export const VERBS = ['step', 'params', 'setup', 'skip'] as const;
export type Verb = (typeof VERBS)[number];

const RESERVED = new Set(
  'schedule tune serve compile tfjob pytorchjob jaxjob xgboostjob mpijob job'.split(
    ' '
  )
);
/** Options of `step`; `list` takes values with commas, `each` may be repeated. */
export const OPTIONS: Readonly<
  Record<string, 'list' | 'each' | 'value' | 'flag'>
> = {
  '--after': 'list',
  '--image': 'value',
  '--packages': 'list',
  '--cpu': 'value',
  '--memory': 'value',
  '--gpu': 'value',
  '--accelerator': 'value',
  '--env': 'each',
  '--secret': 'list',
  '--retries': 'value',
  '--timeout': 'value',
  '--no-cache': 'flag',
  '--in': 'list',
  '--out': 'list',
  '--on': 'value'
};

const LINE = /^((?:#[ \t]*)?%%kubeflow)(?:[ \t]+([^\n]*?))?[ \t]*$/;
const WORD = /(?:[^ \t\r\n"'\\]|\\[^]|"(?:[^"\\]|\\[^])*"|'[^']*')+/g;
const NAME = /^[\p{L}\p{M}\p{N}_][\p{L}\p{M}\p{N}_.-]*$/u;

/** A word of a directive: `text` without its quotes, at `start` to `end` of the directive's text. */
interface IWord {
  text: string;
  start: number;
  end: number;
}

/** A directive as it is written. */
export interface IDirective {
  /** From 0. */
  line: number;
  /** `%%kubeflow`, or with a `#` before it. */
  head: string;
  /** What follows the head. */
  text: string;
  /** What the cell is by it; empty where the line cannot be understood. */
  verb: Verb | '';
  name: string;
  /** Values of the known options, as they are spelled; a flag has none. */
  options: ReadonlyMap<string, readonly string[]>;
}

/** What a cell is to be. */
export interface IMarkAs {
  verb: Verb;
  name?: string;
}

/** A replacement of the characters from `start` to `end` by `text`. */
export interface ISplice {
  start: number;
  end: number;
  text: string;
}

/** True for a word that can be a step's name. */
export function isStepName(name: string): boolean {
  return NAME.test(name);
}

/** The directive of a cell's text, `null` where its first line that is not blank is none. */
export function parseDirective(source: string): IDirective | null {
  const lines = source.split('\n');
  const line = lines.findIndex(each => each.trim() !== '');
  const match = line < 0 ? null : LINE.exec(lines[line].trimEnd());
  if (match === null) {
    return null;
  }
  const text = match[2] ?? '';
  return { line, head: match[1], text, ...read(text) };
}

function read(text: string): Pick<IDirective, 'verb' | 'name' | 'options'> {
  const words = split(text);
  const first = words?.[0]?.text ?? '';
  const options = new Map<string, string[]>();
  if (words === null || !isVerb(first)) {
    return { verb: RESERVED.has(first) ? 'skip' : '', name: '', options };
  }
  if (first !== 'step') {
    return { verb: first, name: '', options };
  }
  const plain: string[] = [];
  for (const part of parts(words.slice(1))) {
    if (part.option === null) {
      plain.push(part.value ?? '');
    } else if (part.option in OPTIONS) {
      const values = options.get(part.option) ?? [];
      if (part.value !== null && OPTIONS[part.option] !== 'flag') {
        const more =
          OPTIONS[part.option] === 'list' ? listed(part.value) : [part.value];
        values.push(...more);
      }
      options.set(part.option, values);
    }
  }
  const given = plain[0] ?? '';
  const name = given === '' || isStepName(given) ? given : bettered(given);
  return { verb: name ? 'step' : '', name, options };
}

function isVerb(word: string): word is Verb {
  return (VERBS as readonly string[]).includes(word);
}

/** The good name nearest to a bad one. */
export function bettered(name: string): string {
  const better = name
    .replace(/[^\p{L}\p{M}\p{N}_.-]+/gu, '_')
    .replace(/^[_.-]+|[_.-]+$/g, '');
  return better || 'step';
}

function listed(value: string): string[] {
  return value
    .split(',')
    .map(each => each.trim())
    .filter(each => each !== '');
}

/** The words of a directive, `null` where a quote is not closed. */
function split(text: string): IWord[] | null {
  const words = [...text.matchAll(WORD)].map(match => ({
    text: unquoted(match[0]),
    start: match.index ?? 0,
    end: (match.index ?? 0) + match[0].length
  }));
  const left = text.replace(WORD, '').trim();
  return left === '' ? words : null;
}

/** A word without its quotes, as a POSIX shell reads it. */
function unquoted(word: string): string {
  return word.replace(
    /\\([^])|"((?:[^"\\]|\\[^])*)"|'([^']*)'/g,
    (_, escaped?: string, double?: string, single?: string) =>
      escaped ?? double?.replace(/\\(["\\])/g, '$1') ?? single ?? ''
  );
}

/** A word as it must be written: in quotes only where it needs them. */
export function quoted(word: string): string {
  return /^[^ \t\r\n"'\\]+$/.test(word)
    ? word
    : `'${word.replace(/'/g, `'"'"'`)}'`;
}

/** An option with its value, or a plain word (`option` is null). */
interface IPart {
  option: string | null;
  value: string | null;
  start: number;
  end: number;
}

function* parts(words: readonly IWord[]): Generator<IPart> {
  for (let place = 0; place < words.length; place++) {
    const { text, start, end } = words[place];
    if (!text.startsWith('--') || text === '--') {
      yield { option: null, value: text, start, end };
      continue;
    }
    const equals = text.indexOf('=');
    const option = equals < 0 ? text : text.slice(0, equals);
    const next = words[place + 1];
    if (equals >= 0) {
      yield { option, value: text.slice(equals + 1), start, end };
    } else if (
      OPTIONS[option] !== 'flag' &&
      next &&
      !next.text.startsWith('--')
    ) {
      place++;
      yield { option, value: next.text, start, end: next.end };
    } else {
      yield { option, value: null, start, end };
    }
  }
}

/** The head that a new directive gets beside these: a comment where all of the others are comments. */
export function headLike(sources: Iterable<string>): string {
  const heads = [...sources]
    .map(each => parseDirective(each)?.head ?? '')
    .filter(each => each !== '');
  return heads.length > 0 && heads.every(head => head.startsWith('#'))
    ? '# %%kubeflow'
    : '%%kubeflow';
}

/**
 * The cell's text when it is marked as something else, or with `null` as nothing.
 *
 * A step that stays one keeps its options. `head` is how a new directive begins; above a cell magic it is never a
 * comment, as the magic would lose its place.
 */
export function withMark(
  source: string,
  mark: IMarkAs | null,
  head = '%%kubeflow'
): string {
  const directive = parseDirective(source);
  if (mark === null) {
    return directive ? withoutLine(source, directive.line) : source;
  }
  const words =
    mark.verb === 'step' ? `step ${quoted(mark.name ?? '')}` : mark.verb;
  if (directive === null) {
    const magic = source.trimStart().startsWith('%%');
    return `${magic ? '%%kubeflow' : head} ${words}\n${source}`;
  }
  const kept =
    mark.verb === 'step' && directive.verb === 'step'
      ? withName(directive.text, mark.name ?? '')
      : words;
  return withText(source, directive, kept);
}

function withName(text: string, name: string): string {
  const found = split(text) ?? [];
  const plain = [...parts(found.slice(1))].filter(p => p.option === null);
  const [first, ...others] = plain;
  let better = text;
  for (const extra of others.reverse()) {
    better = without(better, extra);
  }
  return better.slice(0, first.start) + quoted(name) + better.slice(first.end);
}

function withText(source: string, directive: IDirective, text: string): string {
  const lines = source.split('\n');
  lines[directive.line] = `${directive.head} ${text}`.trimEnd();
  return lines.join('\n');
}

function withoutLine(source: string, line: number): string {
  const lines = source.split('\n');
  lines.splice(line, 1);
  return lines.join('\n');
}

function without(text: string, part: { start: number; end: number }): string {
  return text.slice(0, part.start).trimEnd() + text.slice(part.end);
}

/**
 * The cell's text with another value of a step's option; none for an empty list.
 *
 * A flag is set by a list of one empty text. Where the value stays the same the text does, too. A cell without a step's
 * directive is returned as it is.
 */
export function withOption(
  source: string,
  option: string,
  values: readonly string[]
): string {
  const directive = parseDirective(source);
  if (directive === null || directive.verb !== 'step') {
    return source;
  }
  const before = directive.options.get(option);
  const isFlag = OPTIONS[option] === 'flag';
  if (
    isFlag
      ? (before !== undefined) === values.length > 0
      : same(before ?? [], values)
  ) {
    return source;
  }
  const written = spelled(option, values);
  const words = split(directive.text) ?? [];
  const found = [...parts(words.slice(1))].filter(p => p.option === option);
  let text = directive.text;
  if (found.length === 0) {
    return withText(source, directive, `${text.trimEnd()} ${written}`);
  }
  const [first, ...others] = found;
  for (const extra of others.reverse()) {
    text = without(text, extra);
  }
  text = written
    ? text.slice(0, first.start) + written + text.slice(first.end)
    : without(text, first);
  return withText(source, directive, text);
}

function spelled(option: string, values: readonly string[]): string {
  if (values.length === 0) {
    return '';
  }
  switch (OPTIONS[option]) {
    case 'flag':
      return option;
    case 'list':
      return `${option} ${quoted(values.join(','))}`;
    default:
      return values.map(value => `${option} ${quoted(value)}`).join(' ');
  }
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return (
    one.length === other.length &&
    one.every((each, index) => each === other[index])
  );
}

/** The smallest replacement that makes `after` of `before`, `null` where they are the same. */
export function spliceOf(before: string, after: string): ISplice | null {
  if (before === after) {
    return null;
  }
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) {
    head++;
  }
  let tail = 0;
  while (
    tail < most - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  ) {
    tail++;
  }
  return {
    start: head,
    end: before.length - tail,
    text: after.slice(head, after.length - tail)
  };
}

/** What is wrong with the text of an option's value, as a form can tell before the line is written. */
export function isOptionValue(option: string, value: string): boolean {
  const text = value.trim();
  switch (option) {
    case '--cpu':
      return /^(\d+(\.\d+)?|\.\d+)m?$/.test(text) && parseFloat(text) > 0;
    case '--memory':
      return (
        /^(\d+(\.\d+)?|\.\d+)([kmgtp]i?)?b?$/i.test(text) &&
        parseFloat(text) > 0
      );
    case '--gpu':
    case '--retries':
      return /^\d{1,9}$/.test(text);
    case '--timeout':
      return (
        /^(\d+(\.\d+)?[smhd]?)+$/.test(text) &&
        (text.match(/\d+(\.\d+)?/g) ?? []).some(part => parseFloat(part) > 0)
      );
    default:
      return text !== '';
  }
}
