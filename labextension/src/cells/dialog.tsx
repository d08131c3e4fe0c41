/** The dialog in which one says what a cell is, and what its step needs. */

import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { flushSync } from 'react-dom';

import { VERBS, type Verb } from './directive';
import { FIELDS, isWrong, type Field, type IMarkForm } from './form';

interface IFormProps {
  form: IMarkForm;
  /** The notebook's steps, to choose from. */
  steps: readonly string[];
  /** Where the mark is a tag of Kale's there is no line to write options to. */
  withOptions: boolean;
  onChange: (form: IMarkForm) => void;
  trans: TranslationBundle;
}

/** Ask what a cell is; null where the user changed their mind. */
export async function askMark(
  props: Omit<IFormProps, 'onChange'>
): Promise<IMarkForm | null> {
  const { trans } = props;
  let { form } = props;
  do {
    const dialog: Dialog<IMarkForm> = new Dialog({
      title: trans.__('What is this cell in the pipeline?'),
      body: new FormBody({ ...props, form }),
      buttons: [
        Dialog.cancelButton(),
        Dialog.okButton({ label: trans.__('Apply') })
      ],
      focusNodeSelector: '.jp-KFMarkForm [name="step"]'
    });
    const { button, value } = await dialog.launch();
    if (!button.accept || value === null) {
      return null;
    }
    form = value;
  } while (isWrong(form, 'step'));
  return form;
}

class FormBody extends ReactWidget implements Dialog.IBodyWidget<IMarkForm> {
  constructor(private readonly props: Omit<IFormProps, 'onChange'>) {
    super();
    this._form = props.form;
    this.addClass('jp-KFMarkForm');
  }

  getValue(): IMarkForm {
    return this._form;
  }

  protected render(): JSX.Element {
    return (
      <Form
        {...this.props}
        onChange={form => {
          this._form = form;
        }}
      />
    );
  }

  private _form: IMarkForm;
}

/**
 * Keeps what was typed.
 *
 * The dialog looks for wrong fields when it hears of input, which is before they are drawn; so it is told once more.
 */
function Form(props: IFormProps): JSX.Element {
  const [form, setForm] = React.useState(props.form);
  const node = React.useRef<HTMLDivElement>(null);
  const change = (next: IMarkForm) => {
    flushSync(() => setForm(next));
    props.onChange(next);
    node.current?.dispatchEvent(new Event('input'));
  };
  return (
    <div ref={node}>
      <MarkForm {...props} form={form} onChange={change} />
    </div>
  );
}

function MarkForm(props: IFormProps): JSX.Element {
  const { form, steps, withOptions, onChange, trans } = props;
  const list = React.useId();
  const isStep = form.role === 'step';
  const said = trans.__('Use letters, digits, “_”, “-” and “.”');
  return (
    <>
      <label className="jp-KFMarkForm-row">
        <span>{trans.__('The cell is')}</span>
        <select
          className="jp-mod-styled"
          value={form.role}
          onChange={event =>
            onChange({ ...form, role: event.target.value as Verb | '' })
          }
        >
          {VERBS.map(verb => (
            <option key={verb} value={verb}>
              {verbText(verb, trans)}
            </option>
          ))}
          <option value="">{trans.__('not marked')}</option>
        </select>
      </label>
      {isStep && (
        <label className="jp-KFMarkForm-row">
          <span>{trans.__('Name')}</span>
          <input
            name="step"
            type="text"
            className="jp-mod-styled"
            list={list}
            value={form.step}
            required
            ref={node =>
              node?.setCustomValidity(isWrong(form, 'step') ? said : '')
            }
            spellCheck={false}
            autoComplete="off"
            aria-invalid={isWrong(form, 'step')}
            onChange={event => onChange({ ...form, step: event.target.value })}
          />
          {form.step !== '' && isWrong(form, 'step') && (
            <span className="jp-KFMarkForm-wrong" role="alert">
              {said}
            </span>
          )}
          <datalist id={list}>
            {steps.map(step => (
              <option key={step} value={step} />
            ))}
          </datalist>
        </label>
      )}
      {isStep && withOptions && <Options {...props} />}
    </>
  );
}

function Options(props: IFormProps): JSX.Element {
  const { form, onChange, trans } = props;
  return (
    <fieldset>
      <legend>{trans.__('Options')}</legend>
      {FIELDS.map(field => (
        <OptionRow key={field} field={field} {...props} />
      ))}
      <label className="jp-KFMarkForm-check">
        <input
          type="checkbox"
          checked={form.cache}
          onChange={event => onChange({ ...form, cache: event.target.checked })}
        />
        <span>
          {trans.__('Take the result of an earlier run if nothing changed')}
        </span>
      </label>
    </fieldset>
  );
}

function OptionRow(props: IFormProps & { field: Field }): JSX.Element {
  const { form, field, onChange, trans } = props;
  const { label, example } = fieldText(field, trans);
  const wrong = isWrong(form, field);
  const said = trans.__('For example: %1', example);
  const change = (value: string) =>
    onChange({ ...form, options: { ...form.options, [field]: value } });
  return (
    <label className="jp-KFMarkForm-row">
      <span>{label}</span>
      <input
        type="text"
        ref={node => node?.setCustomValidity(wrong ? said : '')}
        className="jp-mod-styled"
        value={form.options[field]}
        placeholder={example}
        spellCheck={false}
        autoComplete="off"
        aria-invalid={wrong}
        onChange={event => change(event.target.value)}
      />
      {wrong && (
        <span className="jp-KFMarkForm-wrong" role="alert">
          {said}
        </span>
      )}
    </label>
  );
}

function verbText(verb: Verb, trans: TranslationBundle): string {
  switch (verb) {
    case 'step':
      return trans.__('a step, or part of one');
    case 'params':
      return trans.__('the parameters');
    case 'setup':
      return trans.__('set-up for each step');
    case 'skip':
      return trans.__('never part of the pipeline');
  }
}

function fieldText(
  field: Field,
  trans: TranslationBundle
): { label: string; example: string } {
  switch (field) {
    case '--after':
      return {
        label: trans.__('Runs after'),
        example: trans.__('steps, with commas')
      };
    case '--cpu':
      return { label: trans.__('CPU cores'), example: '2, 0.5, 500m' };
    case '--memory':
      return { label: trans.__('Memory'), example: '512M, 4Gi' };
    case '--gpu':
      return { label: trans.__('GPUs'), example: '1' };
    case '--retries':
      return { label: trans.__('Retries'), example: '2' };
    case '--timeout':
      return { label: trans.__('Timeout'), example: '90s, 10m, 2h' };
  }
}
