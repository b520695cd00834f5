/** Import: lines out of bytes, records out of lines, and what becomes of each of them. */
import fc from 'fast-check';
import { ConnectionFailed, ValueTooLarge } from 'quorate/client';
import { NoLeader, Timeout } from 'quorate/errors';
import { describe, expect, test } from 'vitest';
import { type ImportSummary, importLines } from '../../../packages/server/src/cli/import/importer.js';
import { type Line, splitLines } from '../../../packages/server/src/cli/import/lines.js';
import { ProgressDisplay, rate } from '../../../packages/server/src/cli/import/progress.js';
import { parseRecord } from '../../../packages/server/src/cli/import/record.js';

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function linesOf(text: string, size = 7, maxBytes?: number): Promise<(string | null)[]> {
  const lines: (string | null)[] = [];
  for await (const { number, bytes } of splitLines(chunksOf(Buffer.from(text), size), maxBytes)) {
    expect(number).toBe(lines.length + 1);
    lines.push(bytes === null ? null : Buffer.from(bytes).toString());
  }
  return lines;
}

describe('lines', () => {
  test('however the input is cut into pieces, the lines are the same', async () => {
    const text = fc
      .array(fc.constantFrom('a', '\n', '\r', '\u2028', 'ключ', '\u{1f600}'))
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (whole, size) => {
        const expected = whole.split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(await linesOf(whole, size)).toEqual(expected);
      }),
    );
  });

  test('a line above the limit is reported, and the next one is read', async () => {
    expect(await linesOf('aaaaaaaaaa\nbb\ncccccccccc', 3, 5)).toEqual([null, 'bb', null]);
  });
});

const record = (text: string | Uint8Array | null, number = 2) => {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  return parseRecord({ number, bytes, endsAt: 0 });
};

describe('records', () => {
  test('text and bytes', () => {
    expect(record('{"key":"ä","value":"\\u2028b"}')).toEqual({ key: 'ä', value: Buffer.from('\u2028b') });
    expect(record('{"key":"k","valueBase64":"AP8="}\r')).toEqual({ key: 'k', value: Buffer.from([0, 255]) });
    expect(record('{"key":"k","value":""}')?.value).toHaveLength(0);
    expect(record('{"key":"k","valueBase64":"","version":12}')?.value).toHaveLength(0);
    expect(record('  \r')).toBeNull();
    expect(record('\ufeff{"key":"k","value":"v"}', 1)?.key).toBe('k');
  });

  test.each([
    ['not { json', /not JSON/],
    ['\ufeff{"key":"k","value":"v"}', /not JSON/],
    ['[1]', /no JSON object/],
    ['null', /no JSON object/],
    ['{"value":"v"}', /"key" must be a text/],
    ['{"key":1,"value":"v"}', /"key" must be a text/],
    ['{"key":"","value":"v"}', /1 to 1024 bytes/],
    [`{"key":"${'ä'.repeat(513)}","value":"v"}`, /1 to 1024 bytes/],
    ['{"key":"\\ud800","value":"v"}', /"key" holds a lone surrogate/],
    ['{"key":"k","value":"\\udfff"}', /"value" holds a lone surrogate/],
    ['{"key":"k"}', /exactly one/],
    ['{"key":"k","value":"v","valueBase64":"dg=="}', /exactly one/],
    ['{"key":"k","value":7}', /"value" must be a text/],
    ['{"key":"k","valueBase64":7}', /"valueBase64" must be a text/],
    ['{"key":"k","valueBase64":"a"}', /not base64/],
    ['{"key":"k","valueBase64":"d g=="}', /not base64/],
    ['{"key":"k","vaule":"v"}', /unknown field "vaule"/],
    [Buffer.from([0x7b, 0xff]), /not UTF-8/],
    [null, /too long/],
  ])('%s is refused with what is wrong', (text, message) => {
    expect(() => record(text)).toThrow(message);
  });
});

interface Run {
  readonly summary: ImportSummary;
  readonly errors: [number, string][];
}

async function run(
  lines: readonly string[],
  put: (key: string, value: Uint8Array) => Promise<unknown>,
  options: { concurrency?: number; repeatForMs?: number; now?: () => number } = {},
): Promise<Run> {
  const errors: [number, string][] = [];
  async function* source(): AsyncGenerator<Line> {
    for (const [at, line] of lines.entries()) yield { number: at + 1, bytes: Buffer.from(line), endsAt: at + 1 };
  }
  const summary = await importLines(source(), {
    ...{ concurrency: 4, repeatForMs: 1_000, now: () => 0, put, onProgress: () => {}, onStop: () => {} },
    onError: (line, error) => errors.push([line, error.message]),
    ...options,
  });
  return { summary, errors };
}

const line = (key: string, value = 'v') => JSON.stringify({ key, value });
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('the import', () => {
  test('bad lines are reported by number, the others are written', async () => {
    const written: string[] = [];
    const { summary, errors } = await run([line('a'), 'bad', '', line('b'), line('big'), line('c')], async (key) => {
      if (key === 'big') throw new ValueTooLarge({ limit: 1 });
      written.push(key);
    });
    expect(written.sort()).toEqual(['a', 'b', 'c']);
    expect(summary).toMatchObject({ imported: 3, errors: 2, blank: 1, repeated: 0, stoppedBy: null, bytes: 6 });
    expect(errors.map(([number]) => number).sort()).toEqual([2, 5]);
  });

  test('no more writes are under way than allowed, and as many as allowed', async () => {
    let underWay = 0;
    let most = 0;
    await run(
      Array.from({ length: 50 }, (_, at) => line(`k${at}`)),
      async () => {
        underWay += 1;
        most = Math.max(most, underWay);
        await turn();
        underWay -= 1;
      },
    );
    expect(most).toBe(4);
  });

  test('lines of one key are written in their order, whatever else is under way', async () => {
    const written: string[] = [];
    const lines = Array.from({ length: 40 }, (_, at) => line(at % 2 === 0 ? 'same' : `k${at}`, `${at}`));
    await run(lines, async (key, value) => {
      // The earlier of two writes takes longer: without an order among them the last would not win.
      for (let turns = Number(value.toString()) % 5; turns < 5; turns += 1) await turn();
      if (key === 'same') written.push(value.toString());
    });
    expect(written).toEqual(Array.from({ length: 20 }, (_, at) => `${at * 2}`));
  });

  test('a write whose outcome is unknown is sent again', async () => {
    let calls = 0;
    const { summary } = await run([line('a')], async () => {
      calls += 1;
      if (calls < 3) throw new ConnectionFailed({ endpoint: 'x', reason: 'y' }, { outcome: 'unknown' });
    });
    expect(summary).toMatchObject({ imported: 1, errors: 0, repeated: 2, stoppedBy: null });
  });

  test('an unknown outcome that lasts ends the import as unknown', async () => {
    let now = 0;
    const failure = new Timeout({ stage: 'commit', timeoutMs: 5 }, { outcome: 'unknown' });
    const { summary, errors } = await run(
      [line('a'), line('b')],
      async () => {
        now += 400;
        throw failure;
      },
      { concurrency: 1, now: () => now },
    );
    expect(summary).toMatchObject({ imported: 0, errors: 1, repeated: 2, stoppedBy: failure });
    expect(errors).toEqual([[1, failure.message]]);
  });

  test('a cluster that does not answer ends it; every line that was begun is reported', async () => {
    const lines = Array.from({ length: 100 }, (_, at) => line(`k${at}`));
    let begun = 0;
    const { summary, errors } = await run(lines, async (key) => {
      begun += 1;
      await turn();
      if (Number(key.slice(1)) >= 10) throw new NoLeader({ outcome: 'not-applied' });
    });
    expect(summary.stoppedBy).toBeInstanceOf(NoLeader);
    expect(summary.imported).toBe(10);
    expect(begun).toBeLessThan(20);
    expect(errors).toHaveLength(begun - 10);
  });

  test('a source that has nothing more to say for now does not hold up the end', async () => {
    let close = (_: Error) => {};
    const nothing = new Promise<never>((_, reject) => {
      close = reject;
    });
    async function* quiet(): AsyncGenerator<Line> {
      yield { number: 1, bytes: Buffer.from(line('a')), endsAt: 1 };
      await nothing;
    }
    const failure = new NoLeader({ outcome: 'not-applied' });
    const summary = await importLines(quiet(), {
      ...{ concurrency: 3, repeatForMs: 0, now: () => 0, onError: () => {}, onProgress: () => {} },
      put: () => Promise.reject(failure),
      onStop: () => close(new Error('closed')),
    });
    expect(summary).toMatchObject({ stoppedBy: failure, errors: 1 });
  });

  test('a source that breaks is an error of the import', async () => {
    async function* broken(): AsyncGenerator<Line> {
      yield { number: 1, bytes: Buffer.from(line('a')), endsAt: 1 };
      throw new Error('EIO');
    }
    const options = {
      concurrency: 2,
      repeatForMs: 0,
      now: () => 0,
      onError: () => {},
      onProgress: () => {},
      onStop: () => {},
    };
    await expect(importLines(broken(), { ...options, put: async () => {} })).rejects.toThrow('EIO');
  });
});

describe('progress', () => {
  const progress = { imported: 500, errors: 1, bytes: 250 };
  const shown = (isTTY: boolean, total: number | null) => {
    const written: string[] = [];
    let now = 0;
    const display = new ProgressDisplay({ isTTY, write: (text) => written.push(text) }, total, () => now);
    for (; now <= 4_000; now += 50) display.update(progress);
    return written;
  };

  test('on a terminal it is a bar, ten times a second', () => {
    const written = shown(true, 1_000);
    expect(written).toHaveLength(40);
    expect(written[9]).toBe('\r\x1b[K[########----------------------]  25 %  500 keys, 500/s, 1 errors');
  });

  test('in a pipe it is a plain line now and then', () => {
    expect(shown(false, 1_000)).toEqual(['25 %: 500 keys, 250/s, 1 errors\n', '25 %: 500 keys, 125/s, 1 errors\n']);
    expect(shown(false, null)[0]).toBe('500 keys, 250/s, 1 errors\n');
  });

  test('a rate over no time is none', () => expect(rate(5, 0)).toBe(0));
});
