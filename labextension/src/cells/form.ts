/** What the form of a cell's mark says, read from its text and written back. No DOM. */

import {
  isOptionValue,
  isStepName,
  parseDirective,
  withOption,
  type Verb
} from './directive';

/** Options with one field each, in the form's order. */
export const FIELDS = [
  '--after',
  '--cpu',
  '--memory',
  '--gpu',
  '--retries',
  '--timeout'
] as const;
export type Field = (typeof FIELDS)[number];

export interface IMarkForm {
  /** Empty for no mark. */
  role: Verb | '';
  step: string;
  options: Readonly<Record<Field, string>>;
  /** Whether results of earlier runs may be taken. */
  cache: boolean;
}

/** The form as the cell's text has it; `role` and `step` are given, since a tag may say them, too. */
export function formOf(
  source: string,
  role: Verb | '',
  step: string
): IMarkForm {
  const directive = parseDirective(source);
  const given = directive?.options;
  const text = (field: Field) =>
    (given?.get(field) ?? []).join(field === '--after' ? ', ' : ' ');
  return {
    role,
    step,
    options: {
      '--after': text('--after'),
      '--cpu': text('--cpu'),
      '--memory': text('--memory'),
      '--gpu': text('--gpu'),
      '--retries': text('--retries'),
      '--timeout': text('--timeout')
    },
    cache: !given?.has('--no-cache')
  };
}

/** Whether a form has options to write, so that a tag does not do. */
export function hasOptions(form: IMarkForm): boolean {
  return (
    form.role === 'step' &&
    (!form.cache || FIELDS.some(field => form.options[field].trim() !== ''))
  );
}

/** What is wrong with a field: the name, or an option's value; an empty option is none. */
export function isWrong(form: IMarkForm, field: Field | 'step'): boolean {
  if (form.role !== 'step') {
    return false;
  }
  if (field === 'step') {
    return !isStepName(form.step.trim());
  }
  const value = form.options[field].trim();
  if (field === '--after') {
    return names(value).some(name => !isStepName(name));
  }
  return value !== '' && !isOptionValue(field, value);
}

/** The text of a step's cell with the options of a form. */
export function withForm(source: string, form: IMarkForm): string {
  let text = source;
  for (const field of FIELDS) {
    const value = form.options[field].trim();
    const values = field === '--after' ? names(value) : value ? [value] : [];
    text = withOption(text, field, values);
  }
  return withOption(text, '--no-cache', form.cache ? [] : ['']);
}

function names(text: string): string[] {
  return text.split(/[\s,]+/).filter(name => name !== '');
}
