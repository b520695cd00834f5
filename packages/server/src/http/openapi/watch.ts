/**
 * The watch, as OpenAPI describes it. OpenAPI has no words for the events of a stream: they are schemas of their own,
 * which the answer must name.
 */
import { ANYWHERE, OF_THE_STORE, OF_WAITING, type Operation, operation } from './operation.js';
import { PREFIX, query, TIMEOUT } from './parameters.js';
import { INDEX, TEXT } from './schemas.js';

export const WATCH_PATHS: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  '/v1/watch': {
    get: operation({
      id: 'watch',
      summary: 'Every change once, in order, as server-sent events',
      description:
        'The data of an event `progress` is a `ProgressEvent`, that of `change` a `ChangeEvent`, that of the last ' +
        'one, `end`, a `Problem`. The id of an event is the token of its index.',
      parameters: [
        PREFIX,
        query('from', { ...INDEX, minimum: 1 }, 'The first change wanted. Default: what comes from now on.'),
        query('token', TEXT, 'Of the history that `from` is an index of. Another one is a `TokenMismatch`.'),
        { name: 'Quorate-Token', in: 'header', description: 'The same as the parameter `token`.', schema: TEXT },
        TIMEOUT,
        {
          name: 'Last-Event-ID',
          in: 'header',
          description: 'The id of the last event that was seen. It counts more than `from` and `token`.',
          schema: TEXT,
        },
      ],
      ok: {
        description: 'Events that do not end by themselves.',
        headers: { 'Quorate-Served-By': { description: 'The server that answered.', schema: TEXT } },
        content: { 'text/event-stream': { schema: TEXT } },
      },
      errors: [...ANYWHERE, 'TokenMismatch', 'WatchExpired', ...OF_THE_STORE, ...OF_WAITING],
    }),
  },
};
