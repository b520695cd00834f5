/**
 * Options of the scripts, for instance `--apply-delay-ms 2`, read against the defaults of what is to run. An unknown
 * name or a value of the wrong type is refused with a sentence; nothing is guessed.
 */

/** The wrong use of a command. */
export class UsageError extends Error {}

/** Runs a command. Its wrong use is told in one sentence and ends with exit code 2; other errors pass. */
export async function runCommand(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    process.exitCode = 2;
  }
}

/**
 * Turns `--apply-delay-ms 2` into `{ applyDelayMs: 2 }`. The names and types are those of `defaults`, whose values hold
 * where nothing is given. A boolean is set by its name alone.
 */
export function readOptions(args, defaults) {
  const options = { ...defaults };
  const names = Object.keys(defaults).map((name) => `--${kebab(name)}`);
  for (let i = 0; i < args.length; i += 1) {
    const name = Object.keys(defaults).find((key) => args[i] === `--${kebab(key)}`);
    if (name === undefined) throw new UsageError(`unknown option ${args[i]}; there are: ${names.join(', ') || 'none'}`);
    if (typeof defaults[name] === 'boolean') {
      options[name] = true;
      continue;
    }
    i += 1;
    options[name] = readValue(args[i - 1], args[i], typeof defaults[name]);
  }
  return options;
}

function readValue(option, text, type) {
  if (text === undefined) throw new UsageError(`${option} needs a value`);
  if (type !== 'number') return text;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new UsageError(`${option} must be a number of at least 0, received ${JSON.stringify(text)}`);
  }
  return value;
}

function kebab(name) {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
