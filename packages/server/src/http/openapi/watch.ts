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
        'one, `end`, a `Problem`. The id of an event is its index.',
      parameters: [
        PREFIX,
        query('from', { ...INDEX, minimum: 1 }, 'The first change wanted. Default: what comes from now on.'),
        TIMEOUT,
        {
          name: 'Last-Event-ID',
          in: 'header',
          description: 'The id of the last event that was seen. It counts more than `from`.',
          schema: INDEX,
        },
      ],
      ok: {
        description: 'Events that do not end by themselves.',
        headers: { 'Quorate-Served-By': { description: 'The server that answered.', schema: TEXT } },
        content: { 'text/event-stream': { schema: TEXT } },
      },
      errors: [...ANYWHERE, 'WatchExpired', ...OF_THE_STORE, ...OF_WAITING],
    }),
  },
};
