/**
 * The objects that a history can be checked against, and the operations that each of them has. A history must never be
 * checked against a model that ignores some of its operations.
 */
import { InvalidArgument } from '../../errors/index.js';
import { MalformedHistory } from '../history/malformed-history.js';
import type { Action, Operation } from '../history/operation.js';
import { KeyValueSpecification } from './key-value-specification.js';
import { RegisterSpecification } from './register-specification.js';
import type { Specification } from './specification.js';

/** `register`: read, write. `cas-register`: compare-and-set, too. `kv`: put, append, get of text. */
export type Model = 'register' | 'cas-register' | 'kv';

export const MODELS: readonly Model[] = ['register', 'cas-register', 'kv'];

const ACTIONS: Readonly<Record<Model, readonly Action['f'][]>> = {
  register: ['read', 'write'],
  'cas-register': ['read', 'write', 'cas'],
  kv: ['put', 'append', 'get'],
};

/** The model that has the operations of this history: `kv` for put, append and get, else `cas-register`. */
export function defaultModel(operations: readonly Operation[]): Model {
  return operations.some(({ action }) => ACTIONS.kv.includes(action.f)) ? 'kv' : 'cas-register';
}

/** Throws InvalidArgument for an unknown model, MalformedHistory for an operation that the model does not have. */
export function checkModel(operations: readonly Operation[], model: Model): void {
  if (!MODELS.includes(model)) {
    throw new InvalidArgument({ field: 'model', expected: `one of ${MODELS.join(', ')}`, received: model });
  }
  const stranger = operations.find(({ action }) => !ACTIONS[model].includes(action.f));
  if (stranger === undefined) return;
  const has = ACTIONS[model].join(', ');
  throw new MalformedHistory(stranger.calledAt, `the model ${model} has ${has}, and no ${stranger.action.f}`);
}

/** `operations` are those of one key. */
export function specificationFor(model: Model, operations: readonly Operation[]): Specification {
  return model === 'kv' ? new KeyValueSpecification(operations) : new RegisterSpecification(operations);
}
