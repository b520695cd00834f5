/** The formats: what they mean, how they are told apart, and what is said of files that are none of them. */
import { describe, expect, it, test } from 'vitest';
import { checkOperations, defaultModel } from '../../../packages/quorate/src/testing/checker/index.js';
import {
  detectFormat,
  type HistoryFormat,
  MalformedHistory,
  parseHistory,
} from '../../../packages/quorate/src/testing/history/index.js';
import { random } from '../checker/brute-force.js';

const tabbed = (line: string) =>
  `INFO  jepsen.util - ${line.replaceAll(' ', '\t').replace(/\[(\d)\t(\d)\]/, '[$1 $2]')}`;
const jepsen = (...lines: string[]) => lines.map(tabbed).join('\n');

function verdict(source: string): string {
  const operations = parseHistory(source);
  return checkOperations(operations, { model: defaultModel(operations) }).verdict;
}

function failure(source: string, format?: HistoryFormat): string {
  try {
    parseHistory(source, format);
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedHistory);
    return (error as MalformedHistory).message;
  }
  throw new Error('it was read');
}

describe('a comparison that failed', () => {
  const event = (type: string, f: string, value: unknown, process = 1) =>
    JSON.stringify({ process, type, f, key: 'k', value, time: 0 });

  it('is an observation in JSON lines', () => {
    const write = [event('invoke', 'write', 1), event('ok', 'write', 1), event('invoke', 'cas', [1, 2])];
    expect(verdict([...write, event('fail', 'cas', [1, 2])].join('\n'))).toBe('not-linearizable');
    expect(verdict([...write, event('info', 'cas', [1, 2])].join('\n'))).toBe('linearizable');
  });

  it('is an observation in the log lines, unless it timed out', () => {
    const write = ['1 :invoke :write 1', '1 :ok :write 1', '1 :invoke :cas [1 2]'];
    expect(verdict(jepsen(...write, '1 :fail :cas [1 2]'))).toBe('not-linearizable');
    expect(verdict(jepsen(...write, '1 :fail :cas :timed-out'))).toBe('linearizable');
    expect(verdict(jepsen(...write, '1 :fail :cas [1 2] :timed-out'))).toBe('linearizable');
  });

  it('is told from a write that failed: that one did not happen, unless an error leaves it open', () => {
    const read = ['2 :invoke :read nil', '2 :ok :read 1'];
    expect(verdict(jepsen('1 :invoke :write 1', '1 :fail :write 1', ...read))).toBe('not-linearizable');
    expect(verdict(jepsen('1 :invoke :write 1', '1 :fail :write :error', ...read))).toBe('linearizable');
  });

  it('says nothing in EDN', () => {
    const write = '{:process 1 :type :invoke :f :write :value 1}{:process 1 :type :ok :f :write :value 1}';
    const cas = '{:process 1 :type :invoke :f :cas :value [1 2]}{:process 1 :type :fail :f :cas :value [1 2]}';
    expect(verdict(write + cas)).toBe('linearizable');
  });
});

describe('an unknown outcome', () => {
  it('may take effect late, or never, and the process may go on', () => {
    const wrote = ['1 :invoke :write 1', '1 :ok :write 1', '2 :invoke :write 2', '2 :info :write :timed-out'];
    const read = (process: number, value: number) => [`${process} :invoke :read nil`, `${process} :ok :read ${value}`];
    expect(verdict(jepsen(...wrote, ...read(2, 1), ...read(2, 2)))).toBe('linearizable');
    expect(verdict(jepsen(...wrote, ...read(2, 1), ...read(3, 1)))).toBe('linearizable');
    expect(verdict(jepsen(...wrote, ...read(2, 2), ...read(3, 1)))).toBe('not-linearizable');
  });

  it('of a read says nothing', () => {
    expect(verdict(jepsen('1 :invoke :read nil', '1 :fail :read :timed-out'))).toBe('linearizable');
  });

  it('is that of a call without an answer', () => {
    const open = ['1 :invoke :write 1', '2 :invoke :read nil', '2 :ok :read 1', '3 :invoke :read nil'];
    expect(verdict(jepsen(...open))).toBe('linearizable');
  });
});

describe('EDN', () => {
  test.each([
    ['a vector', '[{:process 0, :type :invoke, :f :read} {:process 0, :type :ok, :f :read, :value nil}]'],
    ['a list with commas', '({:process 0 :type :invoke :f :read},{:process 0 :type :ok :f :read :value nil},)'],
    ['lines', '; comment\n{:f :read :process 0 :type :invoke}\n\n{:value nil :f :read :type :ok :process 0}\n'],
    ['records', '#jepsen.history.Op{:index 0, :process 0, :type :invoke, :f :read}'],
    [
      'more keys and tags',
      '{:process 0 :type :invoke :f :read :a/b {:c #{1 2} :d [#inst "2015-01-01" \\a 1.5e3M ##Inf #_ x]} "e" (nil)}' +
        '{:process :nemesis :type :info :f :start :value {:n1 #object[Thing 0x12 "a\\"b"]}}',
    ],
  ])('is read as %s', (_, source) => {
    expect(detectFormat(source)).toBe('edn');
    expect(parseHistory(source)).toMatchObject([{ process: '0', action: { f: 'read' } }]);
    expect(verdict(source)).toBe('linearizable');
  });

  it('is independent keys when values are tuples, tagged or not', () => {
    const history = (tag: string) => `
      {:process 0 :type :invoke :f :write :value ${tag}[1 7]} {:process 0 :type :ok :f :write :value ${tag}[1 7]}
      {:process 0 :type :invoke :f :read :value ${tag}[2 nil]} {:process 0 :type :ok :f :read :value ${tag}[2 nil]}
      {:process 0 :type :invoke :f :cas :value ${tag}[1 [7 8]]} {:process 0 :type :info :f :cas :error :timeout}`;
    for (const tag of ['', '#jepsen.independent/tuple ']) {
      const operations = parseHistory(history(tag));
      expect(operations.map(({ key }) => key)).toEqual(['1', '2', '1']);
      expect(verdict(history(tag))).toBe('linearizable');
    }
  });

  it('has values of any kind, equal when Clojure says so', () => {
    const wrote = (value: string, read: string) =>
      `{:process 0 :type :invoke :f :write :value ${value}} {:process 0 :type :ok :f :write :value ${value}}
       {:process 0 :type :invoke :f :read :value nil} {:process 0 :type :ok :f :read :value ${read}}`;
    expect(verdict(wrote('{:a 1 :b #{2 3}}', '{:b #{3 2} :a 1}'))).toBe('linearizable');
    expect(verdict(wrote('[1 2N]', '(1 2)'))).toBe('linearizable');
    expect(verdict(wrote('1', '1.0'))).toBe('not-linearizable');
    expect(verdict(wrote('"a"', ':a'))).toBe('not-linearizable');
  });
});

it('the log lines are found among others', () => {
  const lines = jepsen('1 :invoke :write 3', ':nemesis :info :start nil', '1 :ok :write 3');
  const source = `INFO  jepsen.core - Running\n${lines}\n`;
  expect(detectFormat(source)).toBe('jepsen');
  expect(parseHistory(source)).toMatchObject([
    { action: { f: 'write', value: '3' }, outcome: 'ok', calledAt: 'line 2', answeredAt: 'line 4' },
  ]);
});

it('key-value histories are told from registers', () => {
  const line = (type: string, f: string, value: string) =>
    `{:process 0, :type :${type}, :f :${f}, :key "a", :value ${value}}\n`;
  const source = line('invoke', 'append', '"x\\y"') + line('ok', 'append', '"x\\y"') + line('invoke', 'get', 'nil');
  expect(detectFormat(source)).toBe('porcupine-kv');
  expect(verdict(source + line('ok', 'get', '"x\\y"'))).toBe('linearizable');
  expect(verdict(source + line('ok', 'get', '""'))).toBe('not-linearizable');
});

describe('what is no history', () => {
  test.each<[string, string, HistoryFormat?]>([
    ['', 'cannot tell the format'],
    ['hello', 'cannot tell the format'],
    ['[]', 'no operation in the format edn'],
    ['', 'no operation in the format jsonl', 'jsonl'],
    ['INFO nothing\n', 'no operation in the format jepsen', 'jepsen'],
    ['{"process": 1', 'line 1: expected one event in JSON'],
    ['\n{"process":1,"type":"invoke"}', 'line 2: f: expected read, write, cas, put, append, get, found nothing'],
    ['{"process":1,"type":"call","f":"read","key":"k"}', 'line 1: type: expected invoke, ok, fail, info, found "call"'],
    ['{"process":1,"type":"invoke","f":"read","key":7}', 'line 1: key: expected a text, found 7'],
    ['{"process":null,"type":"invoke","f":"read","key":"k"}', 'line 1: process: expected a number or a text'],
    ['{"process":1,"type":"invoke","f":"cas","key":"k","value":3}', 'line 1: value: expected [old, new], found 3'],
    ['{"process":1,"type":"ok","f":"read","key":"k","value":3}', 'line 1: process 1 is answered, but has no open call'],
    ['[1]', 'expected an object', 'jsonl'],
    ['[{:process 1 :type :invoke :f :read]', 'line 1: this is not EDN: found ] where nothing is open'],
    ['[{:process 1\n :type :invoke :f :read}', 'line 2: this is not EDN: expected ], found the end'],
    ['[{:process 1 :type}]', 'line 1: this map has a key without a value'],
    ['[\n{:process 1 :type :invoke :f :enqueue}]', 'line 2: :f: expected :read, :write or :cas, found :enqueue'],
    ['[{:process 1 :type :invoke :f :cas :value 3}]', 'expected [old new], found 3'],
    ['{:process 1 :type :invoke :f :write :value "a}', 'no closing quotation mark'],
    ['7', 'line 1: expected a map', 'edn'],
    ['['.repeat(100_000), 'nested deeper', 'edn'],
    ['{:process 1, :type :invoke, :f :put, :key 3, :value "x"}', ':key: expected a text, found 3'],
    [jepsen('1 :invoke :cas 3'), 'line 1: expected [old new], found 3'],
    [
      jepsen('1 :invoke :read nil', '1 :ok :write 3'),
      'line 2: process 1 is answered write, but it called read at line 1',
    ],
    [jepsen('1 :invoke :read nil', '1 :invoke :read nil'), 'line 2: process 1 calls again, but its call of line 1'],
  ])('%j', (source, message, format) => {
    expect(failure(source, format)).toContain(message);
  });

  it('never does more than throw MalformedHistory, whatever the text', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      '"',
      ':process',
      ' 1 ',
      ':type',
      ':invoke',
      ':ok',
      ':f',
      ':read',
      ':value',
      'nil',
    ];
    const more = [
      '\n',
      '#',
      '\\',
      ';',
      ',',
      '"process":',
      '"invoke"',
      'jepsen.util - 1\t:ok\t:cas\t',
      '\u0000',
      '(',
      '^',
    ];
    const next = random(7);
    for (let round = 0; round < 20_000; round += 1) {
      const length = 1 + Math.floor(next() * 20);
      const all = [...pieces, ...more];
      const source = Array.from({ length }, () => all[Math.floor(next() * all.length)]).join('');
      for (const format of [undefined, 'jsonl', 'edn', 'jepsen', 'porcupine-kv'] as const) {
        try {
          parseHistory(source, format);
        } catch (error) {
          if (!(error instanceof MalformedHistory)) throw new Error(JSON.stringify(source), { cause: error });
        }
      }
    }
  });
});
