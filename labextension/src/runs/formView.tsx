/** The form that a run is started with, as the body of a dialog. */

import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useId, useState } from 'react';

import type { ApiError } from '../api/errors';
import type { Check, Diagnostic, Parameter } from '../api/types';
import {
  isLong,
  mistake,
  parametersOf,
  refusals,
  stepsOf,
  type IFormValues
} from './form';

export interface IFormOptions {
  check: Check;
  values: IFormValues;
  /** Names to choose from; others may be typed. */
  experiments: readonly string[];
  /** Why the last try did not work. */
  error: ApiError | null;
  /** Leave the form and show where a diagnostic is. */
  onJump: (diagnostic: Diagnostic) => void;
  trans: TranslationBundle;
}

export class RunForm
  extends ReactWidget
  implements Dialog.IBodyWidget<IFormValues>
{
  constructor(private readonly options: IFormOptions) {
    super();
    this.values = options.values;
    this.addClass('jp-KFRunForm');
  }

  getValue(): IFormValues {
    return this.values;
  }

  protected override render(): JSX.Element {
    return (
      <Form
        {...this.options}
        onChange={values => {
          this.values = values;
        }}
      />
    );
  }

  private values: IFormValues;
}

function Form(
  props: IFormOptions & { onChange: (values: IFormValues) => void }
): JSX.Element {
  const { check, experiments, error, onJump, trans } = props;
  const [values, setValues] = useState(props.values);
  const id = useId();
  const change = (news: Partial<IFormValues>) => {
    const next = { ...values, ...news };
    setValues(next);
    props.onChange(next);
  };
  const parameters = parametersOf(check);
  const steps = stepsOf(check);
  const refused = error?.diagnostics.length
    ? error.diagnostics
    : refusals(check);
  return (
    <div className="jp-KFRunForm-fields">
      {error && refused.length === 0 && (
        <p className="jp-KFRunForm-error" role="alert">
          {[error.message, error.fix].filter(Boolean).join(' ')}
        </p>
      )}
      {refused.length > 0 && (
        <Refusal diagnostics={refused} onJump={onJump} trans={trans} />
      )}
      <p className="jp-KFRunForm-what">
        {check.whole
          ? trans.__('No cell is marked: the notebook runs as a whole.')
          : trans._n('%1 step', '%1 steps', steps.length)}
      </p>
      {parameters.length > 0 && (
        <fieldset>
          <legend>{trans.__('Parameters')}</legend>
          {parameters.map(parameter => (
            <Field
              key={parameter.name}
              parameter={parameter}
              value={values.parameters[parameter.name]}
              onChange={value =>
                change({
                  parameters: { ...values.parameters, [parameter.name]: value }
                })
              }
              trans={trans}
            />
          ))}
        </fieldset>
      )}
      <label className="jp-KFRunForm-field">
        <span>{trans.__('Experiment')}</span>
        <input
          className="jp-mod-styled"
          list={`${id}-experiments`}
          value={values.experiment}
          placeholder={trans.__('the one in the settings')}
          onChange={event => change({ experiment: event.target.value })}
        />
        <datalist id={`${id}-experiments`}>
          {experiments.map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      <label className="jp-KFRunForm-check">
        <input
          type="checkbox"
          checked={values.cache}
          onChange={event => change({ cache: event.target.checked })}
        />
        <span>
          {trans.__('Take steps that have not changed from the cache')}
        </span>
      </label>
      <details
        open={Boolean(
          values.name || values.note || values.from || values.until
        )}
      >
        <summary>{trans.__('More')}</summary>
        <label className="jp-KFRunForm-field">
          <span>{trans.__('Name')}</span>
          <input
            className="jp-mod-styled"
            value={values.name}
            placeholder={trans.__('made up')}
            onChange={event => change({ name: event.target.value })}
          />
        </label>
        <label className="jp-KFRunForm-field">
          <span>{trans.__('Note')}</span>
          <textarea
            className="jp-mod-styled"
            rows={2}
            value={values.note}
            onChange={event => change({ note: event.target.value })}
          />
        </label>
        {steps.length > 1 && (
          <>
            <StepChoice
              label={trans.__('From step')}
              none={trans.__('the first')}
              steps={steps}
              value={values.from}
              onChange={from => change({ from })}
            />
            <StepChoice
              label={trans.__('Until step')}
              none={trans.__('the last')}
              steps={steps}
              value={values.until}
              onChange={until => change({ until })}
            />
          </>
        )}
      </details>
    </div>
  );
}

function StepChoice(props: {
  label: string;
  none: string;
  steps: readonly string[];
  value: string;
  onChange: (step: string) => void;
}): JSX.Element {
  return (
    <label className="jp-KFRunForm-field">
      <span>{props.label}</span>
      <select
        className="jp-mod-styled"
        value={props.value}
        onChange={event => props.onChange(event.target.value)}
      >
        <option value="">{props.none}</option>
        {props.steps.map(step => (
          <option key={step} value={step}>
            {step}
          </option>
        ))}
      </select>
    </label>
  );
}

function Field(props: {
  parameter: Parameter;
  value: string | boolean;
  onChange: (value: string | boolean) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { parameter, value, onChange, trans } = props;
  const hint = useId();
  if (typeof value === 'boolean') {
    return (
      <label className="jp-KFRunForm-check">
        <input
          type="checkbox"
          checked={value}
          onChange={event => onChange(event.target.checked)}
        />
        <code>{parameter.name}</code>
      </label>
    );
  }
  const wrong = mistake(parameter, value);
  const said = {
    int: trans.__('a whole number is wanted'),
    float: trans.__('a number is wanted'),
    empty: trans.__('a value is wanted')
  };
  const common = {
    className: `jp-mod-styled${wrong ? ' jp-mod-wrong' : ''}`,
    value,
    spellCheck: false,
    'aria-invalid': wrong !== null,
    'aria-describedby': hint
  };
  return (
    <label className="jp-KFRunForm-field">
      <span>
        <code>{parameter.name}</code> <small>{parameter.type}</small>
      </span>
      {isLong(parameter) ? (
        <textarea
          {...common}
          rows={3}
          onChange={event => onChange(event.target.value)}
        />
      ) : (
        <input
          {...common}
          inputMode={
            parameter.type === 'int' || parameter.type === 'float'
              ? 'decimal'
              : 'text'
          }
          onChange={event => onChange(event.target.value)}
        />
      )}
      <small id={hint} className="jp-KFRunForm-error">
        {wrong && said[wrong]}
      </small>
    </label>
  );
}

/** Why a notebook cannot be run. */
function Refusal(props: {
  diagnostics: readonly Diagnostic[];
  onJump: (diagnostic: Diagnostic) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { diagnostics, onJump, trans } = props;
  return (
    <div className="jp-KFRunForm-refusal" role="alert">
      <p>{trans.__('The notebook cannot be run like this:')}</p>
      <ul>
        {diagnostics.map((one, index) => (
          <li key={index}>
            <code>{one.code}</code> {one.message} <em>{one.fix}</em>{' '}
            {one.cell_index !== null && (
              <button
                type="button"
                className="jp-KFRuns-text"
                onClick={() => onJump(one)}
              >
                {trans.__('Show the cell')}
              </button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
