/** The words of the server's interface, by the names they have in `openapi.yaml`. */

import type { components, paths } from './schema';

type Schemas = components['schemas'];

export type Run = Schemas['Run'];
export type RunKind = Schemas['RunKind'];
export type RunPage = Schemas['RunPage'];
export type RunDetail = Schemas['RunDetail'];
export type State = Schemas['State'];
export type Progress = Schemas['Progress'];
export type Execution = Schemas['Execution'];
export type ExecutionDetail = Schemas['ExecutionDetail'];
export type Outputs = Schemas['Outputs'];
export type Changes = Schemas['Changes'];
export type Check = Schemas['Check'];
export type Diagnostic = Schemas['Diagnostic'];
export type TextEdit = Schemas['TextEdit'];
export type Pipeline = Schemas['Pipeline'];
export type Parameter = Schemas['Parameter'];
export type Step = Schemas['Step'];
export type Edge = Schemas['Edge'];
export type StartRun = Schemas['StartRun'];
export type Experiment = Schemas['Experiment'];
export type Comparison = Schemas['Comparison'];
export type Compared = Schemas['Compared'];
export type Artifact = Schemas['Artifact'];
export type ArtifactEntry = Schemas['ArtifactEntry'];
export type Lineage = Schemas['Lineage'];
export type LineageGraph = Schemas['LineageGraph'];
export type Preview = Schemas['Preview'];
export type Metrics = Schemas['Metrics'];
export type Source = Schemas['Source'];
export type Value = Schemas['Value'];
export type Usage = Schemas['Usage'];
export type ErrorBody = Schemas['Error'];

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** The paths that know a method. */
export type PathsOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }>
    ? P
    : never;
}[keyof paths];

type Operation<P extends keyof paths, M extends Method> =
  paths[P] extends Record<M, infer O> ? O : never;

type Part<O, K extends string> = O extends { parameters: infer S }
  ? S extends { [key in K]: infer V }
    ? { [key in K]: V }
    : S extends { [key in K]?: infer V }
      ? { [key in K]?: V }
      : unknown
  : unknown;

type Body<O> = O extends { requestBody?: never }
  ? unknown
  : O extends { requestBody: { content: { 'application/json': infer B } } }
    ? { body: B }
    : O extends { requestBody?: { content: { 'application/json': infer B } } }
      ? { body?: B }
      : unknown;

/** What a request takes: the parts that its operation has, under `path`, `query` and `body`. */
export type Arguments<P extends keyof paths, M extends Method> = Part<
  Operation<P, M>,
  'path'
> &
  Part<Operation<P, M>, 'query'> &
  Body<Operation<P, M>>;

type Json<R> = R extends { content: infer C }
  ? C extends { 'application/json': infer B }
    ? B
    : C extends { 'application/x-ipynb+json': infer B }
      ? B
      : undefined
  : undefined;

type Answers<O> = O extends { responses: infer R }
  ? { [S in keyof R]: S extends 200 | 201 | 202 | 204 ? Json<R[S]> : never }
  : never;

/** The JSON that a request is answered with. */
export type Answer<P extends keyof paths, M extends Method> = Answers<
  Operation<P, M>
>[keyof Answers<Operation<P, M>>];
