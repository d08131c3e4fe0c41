/** The form that a run is started with, from a notebook's check. Pure. */

import type { Check, Diagnostic, Parameter, StartRun } from '../api/types';

/** What is in the form; parameters as typed, or true and false. */
export interface IFormValues {
  readonly parameters: Readonly<Record<string, string | boolean>>;
  readonly experiment: string;
  readonly cache: boolean;
  readonly name: string;
  readonly note: string;
  /** The first and the last step, each with what lies between; empty for no limit. */
  readonly from: string;
  readonly until: string;
}

/** The values that a form begins with. */
export function beginning(check: Check, experiment: string): IFormValues {
  const parameters = Object.fromEntries(
    parametersOf(check).map(one => [one.name, shown(one)])
  );
  return {
    parameters,
    experiment,
    cache: true,
    name: '',
    note: '',
    from: '',
    until: ''
  };
}

/** The request for a form: only what differs from what the notebook says. */
export function request(
  path: string,
  check: Check,
  values: IFormValues
): StartRun {
  const parameters: Record<string, unknown> = {};
  for (const one of parametersOf(check)) {
    const value = values.parameters[one.name];
    if (value !== undefined && value !== shown(one)) {
      parameters[one.name] = value;
    }
  }
  const given = <K extends keyof StartRun>(key: K, value: StartRun[K]) =>
    value ? { [key]: value } : {};
  return {
    path,
    ...(Object.keys(parameters).length > 0 ? { parameters } : {}),
    ...given('experiment', values.experiment.trim()),
    ...given('no_cache', !values.cache),
    ...given('name', values.name.trim()),
    ...given('note', values.note.trim()),
    ...given('from', values.from),
    ...given('until', values.until)
  };
}

/** What forbids a run. */
export function refusals(check: Check): readonly Diagnostic[] {
  return check.diagnostics.filter(one => one.severity === 'error');
}

export function parametersOf(check: Check): readonly Parameter[] {
  return check.pipeline?.parameters ?? [];
}

export function stepsOf(check: Check): readonly string[] {
  return check.pipeline?.steps.map(step => step.name) ?? [];
}

/** Whether a parameter needs more than a line. */
export function isLong(parameter: Parameter): boolean {
  const text = shown(parameter);
  return (
    parameter.type === 'list' ||
    parameter.type === 'dict' ||
    (typeof text === 'string' && (text.length > 60 || text.includes('\n')))
  );
}

/** Say what is wrong with a text for a parameter, or nothing; the server has the last word. */
export function mistake(
  parameter: Parameter,
  value: string | boolean
): 'int' | 'float' | 'empty' | null {
  if (typeof value !== 'string' || parameter.type === 'str') {
    return null;
  }
  const text = value.trim();
  if (text === '') {
    return 'empty';
  }
  if (parameter.type === 'int') {
    return /^[+-]?\d[\d_]*$/.test(text) ? null : 'int';
  }
  if (parameter.type === 'float') {
    const number = /^[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(e[+-]?\d+)?$/i;
    return number.test(text) || /^[+-]?(inf|infinity|nan)$/i.test(text)
      ? null
      : 'float';
  }
  return null;
}

/** A parameter's default as it stands in the form. */
function shown(parameter: Parameter): string | boolean {
  const { default: value, type } = parameter;
  if (type === 'bool') {
    return value === true;
  }
  if (value === null || value === undefined) {
    return 'None';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
