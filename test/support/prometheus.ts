/** Reads the text format of Prometheus, strictly: what a scraper would not take is an error here. */

export interface Sample {
  /** With the suffix of a histogram's part. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Exposition {
  /** Metric to `counter`, `gauge` or `histogram`. */
  readonly types: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
}

export function parseExposition(text: string): Exposition {
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\w+) (counter|gauge|histogram|summary)$/.exec(line);
    if (type !== null) {
      if (types.has(type[1] as string)) throw new Error(`${type[1]} is there twice`);
      types.set(type[1] as string, type[2] as string);
    } else if (line !== '' && !/^# HELP \w+ \S/.test(line)) samples.push(parseSample(line));
  }
  const series = samples.map(({ name, labels }) => name + JSON.stringify(labels));
  if (new Set(series).size < series.length) throw new Error('a series is there twice');
  return { types, samples };
}

function parseSample(line: string): Sample {
  const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (match === null) throw new Error(`this is no sample: ${line}`);
  const [, name = '', labels = '', number = ''] = match;
  const pairs = [...labels.matchAll(/(\w+)="([^"\\]*)",?/g)];
  if (pairs.map(([pair]) => pair).join('') !== labels) throw new Error(`these are no labels: ${labels}`);
  const value = { '+Inf': Number.POSITIVE_INFINITY, Nan: Number.NaN }[number] ?? Number(number);
  if (Number.isNaN(value) && number !== 'Nan') throw new Error(`this is no number: ${number}`);
  return { name, labels: Object.fromEntries(pairs.map(([, label, text]) => [label, text])), value };
}

/** The value of the one sample with this name and at least these labels; null when there is none. */
export function sampleValue(
  { samples }: Exposition,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | null {
  const found = samples.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  if (found.length > 1) throw new Error(`${name} has ${found.length} samples with ${JSON.stringify(labels)}`);
  return found[0]?.value ?? null;
}
