/** Commands that say what cells are, and that run a step or all up to it. */

import type { Cell } from '@jupyterlab/cells';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { IWorkbench } from '../tokens';
import { CellCommandIDs } from './commandids';
import { VERBS, isStepName, type IMarkAs, type Verb } from './directive';
import { applySource, markCell, writeDirective } from './document';
import { formOf, hasOptions, withForm } from './form';
import type { IMark } from './marks';
import type { NotebookState } from './notebook';
import { runPart } from './starting';
import type { NotebookStates } from './states';

export function addCellCommands(
  commands: CommandRegistry,
  states: NotebookStates,
  workbench: IWorkbench,
  trans: TranslationBundle
): void {
  const activeMark = () => {
    const state = states.current;
    const id = state?.panel.content.activeCell?.model.id;
    return id === undefined ? undefined : state?.marking.marks.get(id);
  };
  const activeStep = () => {
    const mark = activeMark();
    return mark?.role === 'step' ? mark.step : null;
  };
  commands.addCommand(CellCommandIDs.mark, {
    label: args => markLabel(asMark(args), trans),
    caption: trans.__(
      'Write what the selected cells are into their first line'
    ),
    isEnabled: () => selectedCells(states.current).length > 0,
    isToggleable: true,
    isToggled: args => isMarkedAs(activeMark(), asMark(args)),
    execute: async args => {
      const wanted = asMark(args);
      if (wanted === undefined) {
        await ask(states.current, false, trans);
      } else {
        mark(states.current, wanted);
      }
    }
  });
  commands.addCommand(CellCommandIDs.options, {
    label: args =>
      args.isNew ? trans.__('New Step…') : trans.__('Step Name and Options…'),
    caption: trans.__('Say what the cell is in the pipeline and what it needs'),
    isEnabled: () => selectedCells(states.current).length > 0,
    execute: args => ask(states.current, Boolean(args.isNew), trans)
  });
  commands.addCommand(CellCommandIDs.runUntil, {
    label: trans.__('Run Pipeline up to This Step'),
    caption: trans.__('Run the steps that this one needs, and this one'),
    isEnabled: () => activeStep() !== null,
    execute: async () => {
      const [state, step] = [states.current, activeStep()];
      if (state && step !== null) {
        await runPart(state, { until: step }, workbench, commands, trans);
      }
    }
  });
  commands.addCommand(CellCommandIDs.runOnly, {
    label: trans.__('Run Only This Step'),
    caption: trans.__('Run the step with the values of the last run'),
    isEnabled: () => activeStep() !== null,
    execute: async () => {
      const [state, step] = [states.current, activeStep()];
      if (state && step !== null) {
        await runPart(state, { only: [step] }, workbench, commands, trans);
      }
    }
  });
}

/** What a command's arguments ask for; undefined where they ask for nothing that there is. */
function asMark(args: ReadonlyPartialJSONObject): IMarkAs | null | undefined {
  const { role, step } = args;
  if (role === '') {
    return null;
  }
  const verb = VERBS.find(each => each === role);
  if (verb === undefined || (verb === 'step' && typeof step !== 'string')) {
    return undefined;
  }
  return { verb, name: typeof step === 'string' ? step : undefined };
}

function markLabel(
  mark: IMarkAs | null | undefined,
  trans: TranslationBundle
): string {
  if (mark === undefined) {
    return trans.__('Mark Cell…');
  }
  if (mark === null) {
    return trans.__('Not Marked');
  }
  switch (mark.verb) {
    case 'step':
      return mark.name ?? '';
    case 'params':
      return trans.__('Parameters');
    case 'setup':
      return trans.__('Set-up');
    case 'skip':
      return trans.__('Skip');
  }
}

function isMarkedAs(
  found: IMark | undefined,
  mark: IMarkAs | null | undefined
): boolean {
  if (mark === undefined) {
    return false;
  }
  if (mark === null || !found) {
    return mark === null && !found;
  }
  return (
    found.role === mark.verb &&
    (mark.verb !== 'step' || found.step === mark.name)
  );
}

/** The code cells that are selected, the active one included. */
function selectedCells(state: NotebookState | null): Cell[] {
  const content = state?.panel.content;
  if (!content || state.panel.context.model.readOnly) {
    return [];
  }
  return content.widgets.filter(
    cell => content.isSelectedOrActive(cell) && cell.model.type === 'code'
  );
}

function mark(state: NotebookState | null, wanted: IMarkAs | null): void {
  const isBad = wanted?.name !== undefined && !isStepName(wanted.name);
  if (!state || isBad) {
    return;
  }
  for (const cell of selectedCells(state)) {
    markCell(
      state.panel.context.model,
      cell.model,
      wanted,
      state.marking.dialect
    );
  }
}

/** Ask what the active cell is; the name that is offered for a new step is none that there is. */
async function ask(
  state: NotebookState | null,
  isNew: boolean,
  trans: TranslationBundle
): Promise<void> {
  const cells = selectedCells(state);
  const cell =
    cells.find(each => each === state?.panel.content.activeCell) ?? cells[0];
  if (!state || !cell) {
    return;
  }
  const { model } = state.panel.context;
  const { marks, steps, dialect } = state.marking;
  const found = marks.get(cell.model.id);
  const role: Verb | '' = VERBS.find(each => each === found?.role) ?? '';
  const source = cell.model.sharedModel.getSource();
  const { askMark } = await import('./dialog');
  const form = await askMark({
    form: formOf(
      source,
      isNew || !role ? 'step' : role,
      isNew ? '' : (found?.step ?? '')
    ),
    steps,
    withOptions: dialect === 'kubeflow',
    trans
  });
  if (form === null || cell.isDisposed) {
    return;
  }
  const wanted = form.role
    ? { verb: form.role, name: form.step.trim() || undefined }
    : null;
  if (wanted && dialect === 'kubeflow' && hasOptions(form)) {
    writeDirective(model, cell.model, wanted);
  } else {
    markCell(model, cell.model, wanted, dialect);
  }
  if (form.role === 'step') {
    applySource(cell.model, withForm(cell.model.sharedModel.getSource(), form));
  }
}
